package crdt_test

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"github.com/citynode/citynode/crdt"
)

// Every fuzz target of an entry states the same: what is accepted is valid and
// encodes to the same bytes, and what an independent decoder reads, our rules
// call valid and an independent encoder writes back the same, is accepted.

func FuzzDecodeHero(f *testing.F) {
	f.Add(crdt.AppendHero(nil, batman()))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := crdt.DecodeHero(b)
		if err == nil {
			err = h.Validate()
			if !bytes.Equal(crdt.AppendHero(nil, h), b) || crdt.HeroSize(h) != len(b) || err != nil {
				t.Fatalf("%x: accepted as %+v, %v", b, h, err)
			}
			return
		}
		mustBeMalformed(t, err)
		var w wireHero
		if independent(t, b, &w) && fromWireHero(w).Validate() == nil {
			t.Fatalf("%x: refused: %v", b, err)
		}
	})
}

func FuzzDecodeTombstone(f *testing.F) {
	f.Add(crdt.AppendTombstone(nil, crdt.Tombstone{Version: batman().Version}))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := crdt.DecodeTombstone(b)
		if err == nil {
			err = d.Validate()
			if !bytes.Equal(crdt.AppendTombstone(nil, d), b) || crdt.TombstoneSize(d) != len(b) || err != nil {
				t.Fatalf("%x: accepted as %+v, %v", b, d, err)
			}
			return
		}
		mustBeMalformed(t, err)
		var w wireTombstone
		if independent(t, b, &w) && fromWireTombstone(w).Validate() == nil {
			t.Fatalf("%x: refused: %v", b, err)
		}
	})
}

func FuzzDecodeEntries(f *testing.F) {
	e := crdt.Entries{Heroes: []crdt.Hero{batman()}, Tombstones: []crdt.Tombstone{{}}}
	f.Add(crdt.AppendEntries(nil, e))
	f.Add(crdt.AppendEntries(nil, crdt.Entries{}))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := crdt.DecodeEntries(b)
		if err == nil {
			err = e.Validate()
			if !bytes.Equal(crdt.AppendEntries(nil, e), b) || err != nil {
				t.Fatalf("%x: accepted as %+v, %v", b, e, err)
			}
			return
		}
		mustBeMalformed(t, err)
		var w wireEntries
		if independent(t, b, &w) && fromWireEntries(w).Validate() == nil {
			t.Fatalf("%x: refused: %v", b, err)
		}
	})
}

func FuzzDecodeID(f *testing.F) {
	f.Add(append([]byte{0x50}, make([]byte, 16)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		var id crdt.ID
		if err := id.UnmarshalCBOR(b); err != nil {
			mustBeMalformed(t, err)
			return
		}
		var raw []byte
		if err := cbor.Unmarshal(b, &raw); err != nil || !bytes.Equal(raw, id[:]) {
			t.Fatalf("%x: accepted as %v; %x, %v", b, id, raw, err)
		}
	})
}

func FuzzDecodeSummary(f *testing.F) {
	seed, _ := crdt.Summary{Heroes: 1}.MarshalCBOR()
	f.Add(seed)
	f.Fuzz(func(t *testing.T, b []byte) {
		var s crdt.Summary
		if err := s.UnmarshalCBOR(b); err != nil {
			mustBeMalformed(t, err)
			return
		}
		var w wireSummary
		err := lenientMode.Unmarshal(b, &w)
		var oddKey *cbor.UnmarshalTypeError // neither text nor number; the rest is read
		if err != nil && !errors.As(err, &oddKey) || w != (wireSummary{s.Heroes, s.Tombstones, s.Digest}) {
			t.Fatalf("%x: accepted as %+v; %+v, %v", b, s, w, err)
		}
	})
}

func mustBeMalformed(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, crdt.ErrMalformed) {
		t.Fatalf("%v does not match ErrMalformed", err)
	}
}

// lenientMode reads well-formed CBOR of the kind that messages may be. It does
// not look at text under unknown keys.
var lenientMode = func() cbor.DecMode {
	mode, err := cbor.DecOptions{
		IndefLength: cbor.IndefLengthForbidden,
		TagsMd:      cbor.TagsForbidden,
		UTF8:        cbor.UTF8DecodeInvalid,
	}.DecMode()
	if err != nil {
		panic(err)
	}
	return mode
}()

// independent reads b into w and reports whether that, written again, gives b.
func independent(t *testing.T, b []byte, w any) bool {
	if cbor.Unmarshal(b, w) != nil {
		return false
	}
	return bytes.Equal(canonical(t, reflect.ValueOf(w).Elem().Interface()), b)
}

func fromWireHero(w wireHero) crdt.Hero {
	return crdt.Hero{
		ID: w.ID, Name: w.Name, Location: w.Location, Health: w.Health, Patrolling: w.Patrolling,
		Version: wireVersion(w.Assigned, w.Replica, w.HLC),
	}
}

func fromWireTombstone(w wireTombstone) crdt.Tombstone {
	return crdt.Tombstone{ID: w.ID, Version: wireVersion(w.Assigned, w.Replica, w.HLC)}
}

func fromWireEntries(w wireEntries) (e crdt.Entries) {
	if w.Heroes != nil {
		for _, h := range *w.Heroes {
			e.Heroes = append(e.Heroes, fromWireHero(h))
		}
	}
	if w.Tombstones != nil {
		for _, d := range *w.Tombstones {
			e.Tombstones = append(e.Tombstones, fromWireTombstone(d))
		}
	}
	return e
}

func wireVersion(assigned, replica, hlc uint64) crdt.Version {
	return crdt.Version{Assigned: crdt.Stamp(assigned), Replica: crdt.ReplicaID(replica), HLC: crdt.Stamp(hlc)}
}
