package crdt_test

import (
	"bytes"
	"encoding/hex"
	"math"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"pgregory.net/rapid"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/crdt/crdttest"
)

// The wire types say the same form a second time, in the words of an
// independent implementation, which is the oracle for encoder and decoder.
type wireHero struct {
	_                      struct{} `cbor:",toarray"`
	ID                     [16]byte
	Name, Location         string
	Health                 uint8
	Patrolling             bool
	Assigned, Replica, HLC uint64
}

type wireTombstone struct {
	_                      struct{} `cbor:",toarray"`
	ID                     [16]byte
	Assigned, Replica, HLC uint64
}

type wireEntries struct {
	Heroes     *[]wireHero      `cbor:"1,keyasint,omitempty"`
	Tombstones *[]wireTombstone `cbor:"2,keyasint,omitempty"`
}

type wireSummary struct {
	Heroes     uint64   `cbor:"1,keyasint"`
	Tombstones uint64   `cbor:"2,keyasint"`
	Digest     [16]byte `cbor:"3,keyasint"`
}

func toWireHero(h crdt.Hero) wireHero {
	return wireHero{
		ID: h.ID, Name: h.Name, Location: h.Location, Health: h.Health, Patrolling: h.Patrolling,
		Assigned: uint64(h.Version.Assigned), Replica: uint64(h.Version.Replica), HLC: uint64(h.Version.HLC),
	}
}

func toWireTombstone(t crdt.Tombstone) wireTombstone {
	return wireTombstone{
		ID:       t.ID,
		Assigned: uint64(t.Version.Assigned), Replica: uint64(t.Version.Replica), HLC: uint64(t.Version.HLC),
	}
}

func toWireEntries(e crdt.Entries) (w wireEntries) {
	if e.Heroes != nil {
		heroes := []wireHero{}
		for _, h := range e.Heroes {
			heroes = append(heroes, toWireHero(h))
		}
		w.Heroes = &heroes
	}
	if e.Tombstones != nil {
		tombstones := []wireTombstone{}
		for _, t := range e.Tombstones {
			tombstones = append(tombstones, toWireTombstone(t))
		}
		w.Tombstones = &tombstones
	}
	return w
}

func canonical(t interface{ Fatal(...any) }, v any) []byte {
	mode, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		t.Fatal(err)
	}
	b, err := mode.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestEncodingIsThatOfAnIndependentEncoder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := crdttest.Hero().Draw(t, "hero")
		if got, want := crdt.AppendHero(nil, h), canonical(t, toWireHero(h)); !bytes.Equal(got, want) {
			t.Fatalf("hero: got %x, want %x", got, want)
		}
		d := crdttest.Tombstone().Draw(t, "tombstone")
		if got, want := crdt.AppendTombstone(nil, d), canonical(t, toWireTombstone(d)); !bytes.Equal(got, want) {
			t.Fatalf("tombstone: got %x, want %x", got, want)
		}
		e := crdttest.Entries().Draw(t, "entries")
		if got, want := crdt.AppendEntries(nil, e), canonical(t, toWireEntries(e)); !bytes.Equal(got, want) {
			t.Fatalf("entries: got %x, want %x", got, want)
		}
		s := crdt.Summary{Heroes: rapid.Uint64().Draw(t, "heroes"), Tombstones: rapid.Uint64().Draw(t, "tombstones")}
		s.Digest = crdt.Digest(anyID().Draw(t, "digest"))
		want := canonical(t, wireSummary{s.Heroes, s.Tombstones, s.Digest})
		if got, err := s.MarshalCBOR(); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("summary: got %x, %v, want %x", got, err, want)
		}
	})
}

// A library that embeds our types must put the very same bytes on the wire.
func TestMarshalersGiveTheCanonicalBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := crdttest.Entries().Draw(t, "entries")
		id := anyID().Draw(t, "id")
		got := canonical(t, []any{e, &e, id, crdt.Digest(id)})
		want := canonical(t, []any{toWireEntries(e), toWireEntries(e), [16]byte(id), [16]byte(id)})
		if !bytes.Equal(got, want) {
			t.Fatalf("got %x, want %x", got, want)
		}
		for _, h := range e.Heroes {
			if got := canonical(t, h); !bytes.Equal(got, crdt.AppendHero(nil, h)) {
				t.Fatalf("hero: got %x", got)
			}
		}
		for _, d := range e.Tombstones {
			if got := canonical(t, d); !bytes.Equal(got, crdt.AppendTombstone(nil, d)) {
				t.Fatalf("tombstone: got %x", got)
			}
		}
	})
}

func TestAppendKeepsWhatIsThere(t *testing.T) {
	h, d := batman(), crdt.Tombstone{}
	e := crdt.Entries{Heroes: []crdt.Hero{h}}
	for what, got := range map[string][]byte{
		"hero":      crdt.AppendHero([]byte("x"), h),
		"tombstone": crdt.AppendTombstone([]byte("x"), d),
		"entries":   crdt.AppendEntries([]byte("x"), e),
	} {
		if got[0] != 'x' {
			t.Errorf("%s: got %x", what, got)
		}
	}
}

func TestSizesAreThoseOfTheEncodings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := crdttest.Hero().Draw(t, "hero")
		if got, want := crdt.HeroSize(h), len(crdt.AppendHero(nil, h)); got != want || want > crdt.HeroBytesMax {
			t.Fatalf("HeroSize = %d, want %d", got, want)
		}
		d := crdttest.Tombstone().Draw(t, "tombstone")
		if got, want := crdt.TombstoneSize(d), len(crdt.AppendTombstone(nil, d)); got != want || want > crdt.TombstoneBytesMax {
			t.Fatalf("TombstoneSize = %d, want %d", got, want)
		}
	})
}

func TestMaximaAreReached(t *testing.T) {
	greatest := crdt.Version{Assigned: math.MaxUint64, Replica: math.MaxUint64, HLC: math.MaxUint64}
	h := crdt.Hero{
		Name: strings.Repeat("n", crdt.NameBytesMax), Location: strings.Repeat("c", crdt.CityNameBytesMax),
		Health: crdt.HealthMax, Version: greatest,
	}
	if err := h.Validate(); err != nil {
		t.Fatal(err)
	}
	if got := crdt.HeroSize(h); got != crdt.HeroBytesMax {
		t.Errorf("longest hero: %d bytes, HeroBytesMax = %d", got, crdt.HeroBytesMax)
	}
	if got := crdt.TombstoneSize(crdt.Tombstone{Version: greatest}); got != crdt.TombstoneBytesMax {
		t.Errorf("longest tombstone: %d bytes, TombstoneBytesMax = %d", got, crdt.TombstoneBytesMax)
	}
}

// Written by hand from RFC 8949, so that encoder and oracle cannot err together.
func TestEncodingsWrittenByHand(t *testing.T) {
	hero := "88" + // array of 8
		"50" + "01000000000000000000000000000002" + // id
		"66" + "4261746d616e" + // "Batman"
		"66" + "676f7468616d" + // "gotham"
		"185a" + // 90
		"f5" + // true
		"1a00010000" + // assigned
		"07" + // replica
		"1a00020000" // hlc
	tombstone := "84" + "50" + strings.Repeat("00", 16) + "00" + "1bffffffffffffffff" + "1818"
	h := batman()
	d := crdt.Tombstone{Version: crdt.Version{Replica: math.MaxUint64, HLC: 24}}
	for _, tc := range []struct {
		got  []byte
		want string
	}{
		{crdt.AppendHero(nil, h), hero},
		{crdt.AppendTombstone(nil, d), tombstone},
		{crdt.AppendEntries(nil, crdt.Entries{}), "a0"},
		{crdt.AppendEntries(nil, crdt.Entries{Heroes: []crdt.Hero{}}), "a10180"},
		{crdt.AppendEntries(nil, crdt.Entries{Tombstones: []crdt.Tombstone{}}), "a10280"},
		{
			crdt.AppendEntries(nil, crdt.Entries{Heroes: []crdt.Hero{h}, Tombstones: []crdt.Tombstone{d, d}}),
			"a2" + "0181" + hero + "0282" + tombstone + tombstone,
		},
	} {
		if got := hex.EncodeToString(tc.got); got != tc.want {
			t.Errorf("got  %s\nwant %s", got, tc.want)
		}
	}
}
