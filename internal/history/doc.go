// Package history judges what dispatchers were told by a cluster against what
// its cities hold in the end: a [History] of operations and of facts that were
// observed, and the state of each city after healing, go into [Check], and what
// must not be comes out.
//
// It promises that a violation is one whatever the network, the clocks and the
// order of concurrent operations were, if what the history says is true, and that
// the same history gives the same violations in the same order. It knows the
// rules of the lattice a second time, written anew and not fast, so that an error
// of package crdt does not hide itself.
//
// It never reads a clock, starts a goroutine, or does I/O: who records a history
// gives its times.
package history
