// Package crdt holds the replicated state of a citynode cluster as pure
// values: superheroes, the tombstones of dead ones, the versions that order
// them, the lattice that merges them, and their canonical bytes.
//
// # What it promises
//
// Merging is commutative, associative, idempotent and never goes back, so that
// replicas that have seen the same entries, in any order and any number of
// times, hold the same state and the same [Digest]. A dead hero stays dead. Of
// two versions of a hero the one under the later order (assignment) wins,
// whatever the clocks of the cities say.
//
// An entry has exactly one encoding. The decoders accept that one and no
// other, check every limit before they allocate, and return only valid
// entries; see [DecodeEntries]. Every refusal matches [ErrMalformed].
//
// # What it never does
//
// It does no I/O, starts no goroutine, takes no lock, and reads neither clock
// nor random source, but for the key of a state's hash tables, on which nothing
// that can be seen depends. A [State] has one owner, who serialises all calls.
//
// # Wire form
//
// Canonical CBOR (RFC 8949 §4.2.1) of:
//
//	hlc       = uint .size 8
//	hero      = [id: bstr .size 16, name: tstr, location: tstr, health: 1..100,
//	             patrolling: bool, assigned: hlc, replica: uint .size 8, hlc]
//	tombstone = [id: bstr .size 16, assigned: hlc, replica: uint .size 8, hlc]
//	entries   = { ? 1 => [* hero], ? 2 => [* tombstone] }
//	summary   = { 1 => heroes: uint, 2 => tombstones: uint, 3 => digest: bstr .size 16 }
package crdt
