// Package reconcile is one session of anti-entropy as two pure step machines.
//
// Gossip is a hint; this is the guarantee. An [Initiator] and a [Responder]
// exchange messages in turns. After a complete session each side holds what the
// other held when it began, but for heroes that were skipped since their stamps
// are in the future; these are counted. Where both hold the same already, one
// small message each way is all. Otherwise the initiator learns from a sketch
// of the responder's state (see package crdt/sketch) which entries only one side
// has, at a cost of what differs and not of what there is, and these are
// exchanged. Only where nearly all differs a whole state is sent.
//
// # What it promises
//
// [Result].Complete is set only then, and never after a session that was cut,
// refused, or outlived an incarnation of either side. Whatever the other side
// sends, the work and the memory that it costs are bounded by what it claimed
// to hold and by what it really sent. The responder keeps nothing between two
// messages but a few counters.
//
// # What it never does
//
// It does no I/O, starts no goroutine, takes no lock, reads neither clock nor
// random source. The caller moves the messages, sets the deadlines, and gives a
// [Replica] that is bound to one incarnation of the own city.
//
// # Files
//
// initiator.go has the session's course; look.go a round's sketches, exchange.go
// what follows from them, bulk.go whole states. audit.go and auditwalk.go are
// the sketches made for the occasion, deferred.go the heroes that are not due.
// responder.go has the other side. The wire form is in codec.go, its text in
// docs/wire/sync.md.
package reconcile
