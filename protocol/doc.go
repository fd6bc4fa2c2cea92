// Package protocol is the wire format of citynode: names of protocols and
// topics, frames, messages, codes and limits, and a server and a client of the
// call protocol over any stream. It knows no network, starts no connection, and
// trusts no byte that it has not checked. The same is written for those who
// implement it in other languages, with the rules of the state, the schema and test
// vectors, in docs/wire. What follows is that in short: key: type names what is
// under a key, which CDDL has no form for.
//
// # Names
//
// NETWORK is a DNS label, "main" by default.
//
//	stream protocol  /citynode/NETWORK/call/1.0.0      calls, this page
//	stream protocol  /citynode/NETWORK/sync/1.0.0      anti-entropy
//	GossipSub topic  /citynode/NETWORK/delta/1         a message is one entries map, at most 64 KiB
//	GossipSub topic  /citynode/NETWORK/presence/1      a message is one presence map
//	DHT protocol     /citynode/kad/1.0.0               one for all networks
//	DHT key          CIDv1(raw, sha2-256(citynode/1/NETWORK/NAME)), provided by the city NAME
//	mDNS service     _citynode._udp
//
// # Frames
//
// A frame is a length as an unsigned varint (LEB128, in its shortest form), then
// so many bytes: exactly one CBOR item, at most 256 KiB. A stream carries any
// number of calls; the caller need not wait for an answer before it sends the
// next request, and the answers come in the order of the requests.
//
// # Items
//
// What is sent is in core deterministic form (RFC 8949 §4.2.1). What is received
// may be any well-formed item without
//
//   - tags, floats, indefinite lengths, and simple values other than false, true and null,
//   - text that is not UTF-8,
//   - a key that is repeated in its map, whatever its form, and keys other than
//     text and integers from -2^63 to 2^63-1,
//   - more than 8 containers within each other, the outermost counted as 1.
//
// Entries are stricter: their bytes must be those that encoding them again
// gives. No message has a null in it. Keys that are unknown make a request wrong
// and are ignored in responses and presence. A text that is optional is left out
// rather than empty.
//
//	hlc       = uint .size 8                                  ; 48 bits of Unix milliseconds, 16 of counter
//	hero      = [id: bstr .size 16, name: tstr, location: tstr, health: 1..100, patrolling: bool,
//	             assigned: hlc, replica: uint .size 8, hlc]
//	tombstone = [id: bstr .size 16, assigned: hlc, replica: uint .size 8, hlc]
//	entries   = { ? 1 => [* hero], ? 2 => [* tombstone] }
//	request   = { 1 => method: tstr, 2 => id: bstr .size 16, ? 3 => body, ? 4 => city: tstr }
//	response  = { 1 => code: uint, ? 2 => message: tstr, ? 3 => body, ? 4 => more: bool }
//	summary   = { 1 => heroes: uint, 2 => tombstones: uint, 3 => digest: bstr .size 16 }
//	presence  = { 1 => city: tstr, 2 => since: hlc, 3 => incarnation: hlc, 4 => summary, 5 => software: tstr,
//	              6 => sent: hlc, ? 7 => leaving: bool }
//	peer      = bstr                                          ; the bytes of a peer ID
//
// # Calls
//
// Every request is answered by one response, or by any number with more = true
// and then one without. A request has a body if and only if its method has one
// in this table; what a response has besides its code is there only if that is 0.
//
//	get     { ? 1 => location: tstr, ? 2 => ids: [* bstr .size 16] }
//	        more: { 1 => entries }; last: { 2 => summary }
//	create  { 1 => name: tstr, ? 2 => here: bool }
//	        { 1 => hero, 2 => summary }
//	assign  { 1 => id: bstr .size 16, ? 2 => entries, ? 3 => home: bool }
//	        { 1 => hero, 2 => summary }
//	retire  { 1 => id: bstr .size 16 }
//	        { 1 => tombstone, 2 => summary }
//	update  { 1 => entries }
//	        { 1 => changed: uint, 2 => summary, 3 => skipped: uint }
//	watch   { ? 1 => location: tstr }
//	        more, once it is live: { 2 => summary }; more, for each change: { 1 => entries }
//	info    no body
//	        { 1 => network: tstr, 2 => city: tstr, 3 => since: hlc, 4 => incarnation: hlc, 5 => summary,
//	          6 => restarts: uint, 7 => software: tstr, 8 => now: hlc,
//	          ? 9 => { 1 => city: tstr, 2 => entries: uint, 3 => of: uint },
//	          ? 10 => store: tstr, ? 11 => skipped: uint }
//	lookup  { 1 => city: tstr }
//	        { 1 => peer, 2 => [* multiaddr: bstr] }                      ; addresses without /p2p
//	cities  no body
//	        more, and last: { 1 => [* { 1 => presence, 2 => peer, 3 => status: tstr, ? 4 => agreed: hlc }] }
//	settle  no body
//	        more: { 1 => city: tstr, 4 => peer, 2 => differed: uint, 5 => skipped: uint }
//	              or { 1 => city: tstr, 4 => peer, 3 => error: tstr }; last: no body
//	bomb    no body
//	        no body; sent before the crash
//
// The id names the attempt: who tries create, assign or retire again sends the
// same request with the same id and gets the same answer. It is also the id of
// the hero that create makes. A request whose key 4 names another city than the
// one that answers is not executed.
//
// watch is the last request of its stream. It ends, answered with code 0, when
// the caller closes its writing side; a request that follows it ends it with
// bad_request.
//
// # Codes
//
//	0 ok            3 dead          6 unavailable    9 internal
//	1 bad_request   4 forbidden     7 too_large     10 unsupported
//	2 not_found     5 busy          8 wrong_city
//
// busy means: not executed, the stream is usable, try again after a pause. The
// message is at most 1 KiB of plain text for people.
//
// # Errors and ends of streams
//
// A frame that cannot be parsed is answered with bad_request, or with too_large
// if its length is over the limit or has more than 9 bytes: a length that is not
// in its shortest form, no item or more than one in a frame, bytes that are not
// well-formed CBOR. Then the server closes its writing side, reads away what
// still comes, up to 1 MiB, and closes the stream when the caller has closed its
// side; if that takes longer than 1 s it resets the stream.
//
// A frame that can be parsed and breaks another rule of this page is answered,
// and the stream stays usable: tags, floats, repeated keys and the like
// (bad_request; what is within the ninth container is not looked at), a map that
// is not a request or not this method's body (bad_request), another city
// (wrong_city), an unknown method (unsupported). So does a call that fails
// inside the city, even if it panics (internal).
//
// A frame that is cut by the end of the stream is not answered; the stream is
// closed.
//
// # Deadlines
//
// A frame has 10 s from its first byte to its last, in either direction. A
// stream may be idle for 5 min between an answer and the next request; a watch
// for ever. A stream that is too slow or idle for too long is closed as above; a
// caller that does not read its answers in time has its stream reset. Calls
// themselves have no deadline on the wire: who no longer waits goes away.
package protocol
