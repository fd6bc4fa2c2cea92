package protocol

import "bytes"

// questionVectors are the messages of streams of questions, either way.
func questionVectors() []vector {
	return []vector{
		good("question", "question", "a question has a number, and its answer the same", pairs(num(1), num(7))),
		good("question", "greatest number", "a number has up to 64 bits", pairs(num(1), num(1<<64-1))),
		good("question", "unknown key", "unknown keys are ignored", pairs(num(1), num(7), num(2), list())),
		bad("question", "no number", "key 1 is required", pairs()),
		bad("question", "text for a number", "a number is an unsigned integer", pairs(num(1), tstr("7"))),
		bad("question", "no item", "a question is one item", nil),
	}
}

// signVectors are messages on the topic of signs.
func signVectors() []vector {
	about := func(peer []byte) []byte { return pairs(num(1), num(0x0191d3a05c6e0000), num(2), bstr(peer)) }
	return []vector{
		good("sign", "sign of life", "without key 2 the author says that it lives", pairs(num(1), num(0x0191d3a05c6e0000))),
		good("sign", "hint", "key 2 is the peer that did not answer", about(testPeer)),
		good("sign", "unknown key", "unknown keys are ignored", pairs(num(1), num(1), num(3), null)),
		good("sign", "peer of 70 bytes", "a peer ID has at most 70 bytes", about(bytes.Repeat([]byte{1}, 70))),
		bad("sign", "peer of 71 bytes", "a peer ID has at most 70 bytes", about(bytes.Repeat([]byte{1}, 71))),
		bad("sign", "peer of no bytes", "a peer ID has at least 1 byte", about(nil)),
		bad("sign", "no stamp", "key 1 is required", pairs(num(2), bstr(testPeer))),
		bad("sign", "null for a peer", "a key that is known is no unknown one", pairs(num(1), num(1), num(2), null)),
		bad("sign", "no item", "a sign is one item", nil),
	}
}

// testPeer are the bytes of a peer ID: an identity multihash.
var testPeer = append([]byte{0x00, 0x24, 0x08, 0x01, 0x12, 0x20}, bytes.Repeat([]byte{7}, 32)...)
