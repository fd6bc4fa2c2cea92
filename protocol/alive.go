package protocol

import (
	"fmt"

	"github.com/citynode/citynode/crdt"
)

const (
	// AliveBytesMax bounds a question, its answer and a [Sign]: well above their 11 and 85
	// bytes, for a newer version may add fields, which this one skips.
	AliveBytesMax = 256
	// AliveStreamsMax is the most streams of questions that a peer may have open to
	// another: one that is kept, and those that replace one that does not answer.
	AliveStreamsMax = 8
	// AliveRate is the most questions a second that a peer may put on one stream: one a
	// second is asked, and a few for each hint.
	AliveRate = 8
	// AliveBurst is the most questions that a peer may put on one stream at once.
	AliveBurst = 32
)

// Question asks whether a peer lives. The answer is the same message.
type Question struct {
	Number uint64 `cbor:"1,keyasint"` // of the questions of this stream
}

// Sign is a message on the topic of signs: its author lives, and has asked another in
// vain, or says only that it lives. Others look into it by themselves.
type Sign struct {
	Sent  crdt.Stamp `cbor:"1,keyasint"`           // greater than that of the author's last sign
	About []byte     `cbor:"2,keyasint,omitempty"` // the bytes of the peer ID that did not answer; nil: nobody
}

func (s *Sign) validate() error {
	if s.About == nil {
		return nil
	}
	if err := validatePeer(s.About); err != nil {
		return fmt.Errorf("about: %w", err)
	}
	return nil
}

// AliveID returns the ID of the stream protocol for questions in network.
func AliveID(network string) string { return "/citynode/" + network + "/alive/1.0.0" }

// AliveTopic returns the name of the GossipSub topic that carries signs in network.
func AliveTopic(network string) string { return "/citynode/" + network + "/alive/1" }
