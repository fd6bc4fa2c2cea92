// Package reconcile is one session of anti-entropy as two pure step machines.
//
// Gossip is a hint; this is the guarantee. An [Initiator] and a [Responder]
// exchange messages one by one, request and response. After a complete session
// each side holds what the other held when it began, but for heroes that were
// skipped since their stamps are in the future; these are counted. Where both
// hold the same already, one small message each way is all.
//
// # What it promises
//
// [Result].Complete is set only then, and never after a session that was cut,
// refused, or outlived an incarnation of either side. Whatever the other side
// sends, the work and the memory that it costs are bounded by what it claimed
// to hold and by what it really sent.
//
// # What it never does
//
// It does no I/O, starts no goroutine, takes no lock, reads no clock. The
// caller moves the messages, sets the deadlines, and gives a [Replica] that is
// bound to one incarnation of the own city.
//
// # Wire form
//
// A message is one CBOR map (see docs/wire/sync.md). The initiator's are
// hello, pull, push and done; the responder's are same and differ, page,
// pushed, agreed, and, in place of any of them, unavailable:
//
//	initiator                     responder
//	hello incarnation, summary →
//	                            ← same                 (both done)
//	                            ← differ incarnation, summary
//	pull cursor                →
//	                            ← page entries, next   (until no next)
//	push entries               →
//	                            ← pushed changed, skipped
//	done changed, skipped      →
//	                            ← agreed               (both done)
package reconcile
