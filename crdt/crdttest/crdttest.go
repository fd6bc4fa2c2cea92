package crdttest

import (
	"encoding/binary"
	"math"
	"strings"

	"pgregory.net/rapid"

	"github.com/citynode/citynode/crdt"
)

const (
	// PoolIDs is how many different IDs the entries of [Hero], [Tombstone] and
	// [Entries] have.
	PoolIDs = 8

	batchMax = 12 // entries of a kind in one batch: a few an ID
)

// names are accepted everywhere, and cover each length of a UTF-8 sequence and
// both ends of the allowed length.
var names = []string{
	"A", "Batman", "Zoë", "超人", "Супермен", "🦸", " x ", "\u00a0",
	"👩\U0001F3FD\u200d🚀", "1\ufe0f\u20e3", "葛\U000e0100",
	strings.Repeat("n", crdt.NameBytesMax), strings.Repeat("🦇", crdt.NameBytesMax/4),
}

// locations cover home and both ends of the allowed length.
var locations = []string{
	crdt.Home, "a", "gotham", "metropolis", "9-b", strings.Repeat("c", crdt.CityNameBytesMax),
}

// Locations returns the locations that generated heroes are at, home first.
func Locations() []string { return append([]string(nil), locations...) }

// IDOf returns the i-th ID of an endless pool; they differ in all their bytes.
func IDOf(i int) crdt.ID {
	var id crdt.ID
	binary.BigEndian.PutUint64(id[:], uint64(i+1)*0x9E3779B97F4A7C15)
	binary.BigEndian.PutUint64(id[8:], uint64(i+1)*0xC2B2AE3D27D4EB4F)
	return id
}

// ID draws one of the first n IDs of the pool.
func ID(n int) *rapid.Generator[crdt.ID] {
	return rapid.Map(rapid.IntRange(0, n-1), IDOf)
}

// Name draws a valid hero's name, often of several bytes a character.
func Name() *rapid.Generator[string] {
	free := rapid.StringN(1, 16, crdt.NameBytesMax).Filter(func(s string) bool {
		return crdt.ValidateHeroName(s) == nil
	})
	return rapid.OneOf(rapid.SampledFrom(names), free)
}

// Location draws home or the name of a city.
func Location() *rapid.Generator[string] { return rapid.SampledFrom(locations) }

// Version draws a valid version: mostly of small numbers that tie with others,
// sometimes of any.
func Version() *rapid.Generator[crdt.Version] {
	return rapid.Custom(func(t *rapid.T) crdt.Version {
		assigned := number(2).Draw(t, "assigned")
		hlc := rapid.OneOf(
			rapid.Uint64Range(assigned, max(assigned, 3)),
			rapid.Uint64Range(assigned, math.MaxUint64),
		).Draw(t, "hlc")
		return crdt.Version{
			Assigned: crdt.Stamp(assigned),
			Replica:  crdt.ReplicaID(number(2).Draw(t, "replica")),
			HLC:      crdt.Stamp(hlc),
		}
	})
}

// number draws 0 to small three times in four, otherwise any number.
func number(small uint64) *rapid.Generator[uint64] {
	few := rapid.Uint64Range(0, small)
	return rapid.OneOf(few, few, few, rapid.Uint64())
}

// Hero draws a valid hero whose ID is one of [PoolIDs].
func Hero() *rapid.Generator[crdt.Hero] {
	return rapid.Custom(func(t *rapid.T) crdt.Hero {
		h := crdt.Hero{
			ID:       ID(PoolIDs).Draw(t, "id"),
			Name:     Name().Draw(t, "name"),
			Location: Location().Draw(t, "location"),
			Health:   rapid.Uint8Range(crdt.HealthMin, crdt.HealthMax).Draw(t, "health"),
			Version:  Version().Draw(t, "version"),
		}
		h.Patrolling = h.Location != crdt.Home && rapid.Bool().Draw(t, "patrolling")
		return h
	})
}

// Tombstone draws a valid tombstone whose ID is one of [PoolIDs].
func Tombstone() *rapid.Generator[crdt.Tombstone] {
	return rapid.Custom(func(t *rapid.T) crdt.Tombstone {
		return crdt.Tombstone{ID: ID(PoolIDs).Draw(t, "id"), Version: Version().Draw(t, "version")}
	})
}

// Entries draws a batch in which IDs repeat, with few tombstones, so that not
// all heroes are dead. Either slice may be nil, or empty and not nil.
func Entries() *rapid.Generator[crdt.Entries] {
	return rapid.Custom(func(t *rapid.T) crdt.Entries {
		var e crdt.Entries
		if rapid.IntRange(0, 7).Draw(t, "heroes") > 0 {
			e.Heroes = rapid.SliceOfN(Hero(), 0, batchMax).Draw(t, "heroes")
		}
		if rapid.IntRange(0, 2).Draw(t, "tombstones") == 0 {
			e.Tombstones = rapid.SliceOfN(Tombstone(), 0, 2).Draw(t, "tombstones")
		}
		return e
	})
}
