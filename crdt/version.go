package crdt

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
)

// ReplicaID names the city that created or last assigned a hero.
type ReplicaID uint64

// ReplicaOf returns the replica ID of the city whose peer ID has these bytes:
// the first 8 bytes, big-endian, of their SHA-256.
func ReplicaOf(peerID []byte) ReplicaID {
	sum := sha256.Sum256(peerID)
	return ReplicaID(binary.BigEndian.Uint64(sum[:8]))
}

// Version orders the writes of one hero. Because it compares the order first,
// the last order wins, and no patrol or fight under an older order undoes it,
// however far ahead the clock of the city that wrote it.
type Version struct {
	// Assigned is the stamp of the last order (assignment to a city or home),
	// 0 until there was one, so that any order beats any creation.
	Assigned Stamp
	// Replica is the city that created the hero or gave the last order.
	Replica ReplicaID
	// HLC is the stamp of the last write, at least Assigned.
	HLC Stamp
}

// Compare orders by Assigned, then Replica, then HLC.
func (v Version) Compare(other Version) int {
	return cmp.Or(
		cmp.Compare(v.Assigned, other.Assigned),
		cmp.Compare(v.Replica, other.Replica),
		cmp.Compare(v.HLC, other.HLC),
	)
}

// SameOrder reports whether both were written under the same order, that is
// by the same city since the same assignment.
func (v Version) SameOrder(other Version) bool {
	return v.Assigned == other.Assigned && v.Replica == other.Replica
}

func (v Version) validate() error {
	if v.Assigned > v.HLC {
		return invalid("assigned", "stamp %d is later than the last write, %d", v.Assigned, v.HLC)
	}
	return nil
}
