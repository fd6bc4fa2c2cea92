// Command findtwins searches for two tombstones that share a symbol, as somebody
// would who wants to blind a sketch to them. It takes some 2^32 hashes, ten
// minutes of two processors, and prints the IDs that crdttest.Twins has.
//
// It goes along chains of x → symbol of the tombstone whose ID is x, each from a
// random start to the next x that ends in zeros, and remembers where chains
// begin and end. Two chains with one end have met somewhere: there are the twins
// (P. van Oorschot, M. Wiener: Parallel Collision Search with Cryptanalytic
// Applications, 1999).
package main
