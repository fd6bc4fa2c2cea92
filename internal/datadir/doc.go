// Package datadir is the folder of one city: its lock, its identity and its store.
//
// A folder is used by one node at a time, and belongs to one city of one network with
// one key: whatever does not fit is refused and left as it is. A key is made where
// there is none, but never beside a store, which is that of another key.
package datadir
