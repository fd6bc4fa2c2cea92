package history

import (
	"bytes"
	"cmp"
	"fmt"

	"github.com/citynode/citynode/crdt"
)

// Beats reports whether a wins over b in a merge. A tombstone wins over a hero, and
// a hero over nothing. Of two heroes the later order wins, then the greater replica,
// the later write, and last the greater encoding.
func Beats(a, b crdt.Record) bool {
	if a.Kind != b.Kind {
		return a.Kind > b.Kind
	}
	va, vb := VersionOf(a), VersionOf(b)
	return cmp.Or(
		cmp.Compare(va.Assigned, vb.Assigned),
		cmp.Compare(va.Replica, vb.Replica),
		cmp.Compare(va.HLC, vb.HLC),
		bytes.Compare(encodingOf(a), encodingOf(b)),
	) > 0
}

// Covers reports whether a is b or wins over b.
func Covers(a, b crdt.Record) bool { return a == b || Beats(a, b) }

// VersionOf returns the version of a hero or a tombstone, zero for nothing.
func VersionOf(r crdt.Record) crdt.Version {
	if r.Kind == crdt.KindTombstone {
		return r.Tombstone.Version
	}
	return r.Hero.Version
}

// IDOf returns the hero's ID, zero for nothing.
func IDOf(r crdt.Record) crdt.ID {
	if r.Kind == crdt.KindTombstone {
		return r.Tombstone.ID
	}
	return r.Hero.ID
}

// RecordsOf returns the entries one by one, tombstones first.
func RecordsOf(e crdt.Entries) []crdt.Record {
	all := make([]crdt.Record, 0, e.Len())
	for _, t := range e.Tombstones {
		all = append(all, crdt.Record{Kind: crdt.KindTombstone, Tombstone: t})
	}
	for _, h := range e.Heroes {
		all = append(all, crdt.Record{Kind: crdt.KindHero, Hero: h})
	}
	return all
}

// encodingOf returns crdt's own encoding, which the vectors of docs/wire check.
func encodingOf(r crdt.Record) []byte { return crdt.AppendEntries(nil, r.Entries()) }

// describe returns a record in the words of a violation.
func describe(r crdt.Record) string {
	switch r.Kind {
	case crdt.KindHero:
		h := r.Hero
		patrolling := ""
		if h.Patrolling {
			patrolling = ", patrolling"
		}
		return fmt.Sprintf("it at %s with health %d%s, version %s", h.Location, h.Health, patrolling, describeVersion(h.Version))
	case crdt.KindTombstone:
		return "its tombstone, version " + describeVersion(r.Tombstone.Version)
	default:
		return "nothing"
	}
}

// describeVersion returns (assigned, replica, hlc), with stamps as times of day.
func describeVersion(v crdt.Version) string {
	return fmt.Sprintf("(%s, %04x, %s)", describeStamp(v.Assigned), uint64(v.Replica)>>48, describeStamp(v.HLC))
}

func describeStamp(s crdt.Stamp) string {
	if s == 0 {
		return "0"
	}
	text := s.Time().Format("15:04:05.000")
	if counter := uint16(s); counter != 0 {
		text += fmt.Sprintf("+%d", counter)
	}
	return text
}
