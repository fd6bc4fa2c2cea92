package crdttest

import (
	"encoding/binary"

	"github.com/citynode/citynode/crdt"
)

// Twins returns two tombstones that share a symbol, as findtwins has found them:
// where one replica has one of them and another the other, a sketch of the
// symbols shows no difference.
func Twins() (a, b crdt.Tombstone) { return Twin(0xf41ce883bba2360e), Twin(0xf153fd2f0d82d48a) }

// Twin returns the tombstone whose ID ends in x: those among which twins were
// searched for.
func Twin(x uint64) crdt.Tombstone {
	t := crdt.Tombstone{Version: crdt.Version{Assigned: 1, Replica: 1, HLC: 1}}
	binary.BigEndian.PutUint64(t.ID[8:], x)
	return t
}
