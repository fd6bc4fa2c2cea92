// Package history compares what a cluster told its dispatchers with what its
// cities hold in the end. [Check] takes a [History] of operations and observed
// facts, and the state of each city after healing. It returns the violations of
// the [Rule] values.
//
// If what the history says is true, a violation is one whatever the network, the
// clocks and the order of concurrent operations were. The same history has the
// same violations in the same order. The package has the rules of the lattice a
// second time, written anew and not for speed, so that an error of package crdt
// cannot hide itself.
//
// The package never reads a clock, starts a goroutine, or does I/O. The recorder of
// a history provides its times.
package history
