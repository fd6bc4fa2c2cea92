// Package table has the containers of a state of millions of records: dense lists
// that grow by chunks, an arena of short texts, and a hash table of references.
//
// All of them grow in small steps, so that no write waits for millions of records
// to be moved, give back what they do not need, and hold next to no pointers, so
// that a collection of garbage costs next to nothing however much is in them.
// They know nothing of what is kept in them, and nobody may use one of them from
// two goroutines at once.
package table
