package crdt_test

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/crdt/crdttest"
	"github.com/citynode/citynode/internal/cbor"
)

// Whatever a hero's bytes are, a batch of it, which is read the quick way where
// that will do, and a careful reading are told alike.
func TestTheQuickReaderAgreesWithTheCarefulOne(t *testing.T) {
	const batch = "\xa1\x01\x81"
	rapid.Check(t, func(t *rapid.T) {
		h := crdttest.Hero().Draw(t, "hero")
		b := spoil(t, appendVersionAs(t, crdt.AppendHero(nil, h), h.Version))
		if len(b) == 0 {
			return
		}
		want, wantErr := crdt.DecodeHeroCarefully(b)
		if alone, err := crdt.DecodeHero(b); alone != want || (err == nil) != (wantErr == nil) {
			t.Fatalf("%x alone: %+v, %v, want %+v, %v", b, alone, err, want, wantErr)
		}
		got, err := crdt.DecodeEntries(append([]byte(batch), b...))
		if wantErr == nil {
			if err != nil || len(got.Heroes) != 1 || got.Heroes[0] != want {
				t.Fatalf("%x: %+v, %v, want %+v", b, got, err, want)
			}
			return
		}
		var place, wantPlace *crdt.DecodeError
		if !errors.As(err, &place) || !errors.As(wantErr, &wantPlace) {
			t.Fatalf("%x: %v, want %v", b, err, wantErr)
		}
		claimed := len(b) < 27 // too few bytes for any hero: told before it is read
		if !claimed && (place.Offset != wantPlace.Offset+len(batch) || place.Err.Error() != wantPlace.Err.Error()) {
			t.Fatalf("%x: %v, want %v", b, err, wantErr)
		}
	})
}

// The same holds for a tombstone, which is read carefully where it stands alone.
func TestTheQuickReaderOfTombstonesAgreesWithTheCarefulOne(t *testing.T) {
	const batch = "\xa1\x02\x81"
	rapid.Check(t, func(t *rapid.T) {
		d := crdttest.Tombstone().Draw(t, "tombstone")
		b := spoil(t, appendVersionAs(t, crdt.AppendTombstone(nil, d), d.Version))
		want, wantErr := crdt.DecodeTombstone(b)
		got, err := crdt.DecodeEntries(append([]byte(batch), b...))
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%x: %v, want %v", b, err, wantErr)
		}
		if err == nil && (len(got.Tombstones) != 1 || got.Tombstones[0] != want) {
			t.Fatalf("%x: %+v, want %+v", b, got, want)
		}
	})
}

// No generator of valid entries and few faults of their bytes give an order that is
// later than the last write.
func TestABatchRefusesAnOrderLaterThanTheLastWrite(t *testing.T) {
	for _, v := range []crdt.Version{{Assigned: 2, HLC: 1}, {Assigned: 1<<40 + 1, Replica: 1 << 40, HLC: 1 << 40}} {
		h := batman()
		h.Version = v
		for what, e := range map[string]crdt.Entries{
			"hero":      {Heroes: []crdt.Hero{h}},
			"tombstone": {Tombstones: []crdt.Tombstone{{ID: h.ID, Version: v}}},
		} {
			if got, err := crdt.DecodeEntries(crdt.AppendEntries(nil, e)); !errors.Is(err, crdt.ErrMalformed) {
				t.Errorf("a %s of %+v was read as %+v, %v", what, v, got, err)
			}
		}
	}
}

// The quick reader takes three numbers of eight bytes at once, so one that needs
// fewer must be seen among two that need them.
func TestABatchRefusesOneLongNumberAmongOthers(t *testing.T) {
	for i, what := range []string{"assigned", "replica", "hlc"} {
		numbers := []uint64{1 << 40, 1 << 40, 1 << 41}
		numbers[i] = 1<<32 - 1
		var version []byte
		for _, n := range numbers {
			version = binary.BigEndian.AppendUint64(append(version, 27), n)
		}
		hero, dead := crdt.AppendHero(nil, crdt.Hero{Name: "A", Location: "a", Health: 1}), crdt.AppendTombstone(nil, crdt.Tombstone{})
		for kind, b := range map[string][]byte{
			"hero":      slices.Concat([]byte("\xa1\x01\x81"), hero[:len(hero)-3], version),
			"tombstone": slices.Concat([]byte("\xa1\x02\x81"), dead[:len(dead)-3], version),
		} {
			if got, err := crdt.DecodeEntries(b); !errors.Is(err, crdt.ErrMalformed) {
				t.Errorf("a %s with a long %s was read as %+v, %v", kind, what, got, err)
			}
		}
	}
}

// spoil makes up to two faults in the bytes of an entry.
func spoil(t *rapid.T, b []byte) []byte {
	for range rapid.IntRange(0, 2).Draw(t, "faults") {
		if len(b) == 0 {
			break
		}
		at := rapid.IntRange(0, len(b)-1).Draw(t, "at")
		switch rapid.IntRange(0, 3).Draw(t, "fault") {
		case 0:
			b = b[:max(at, 1)]
		case 1:
			b[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		case 2:
			b[at] = rapid.Byte().Draw(t, "byte")
		case 3:
			b = append(b[:at], b[at+1:]...)
		}
	}
	return b
}

// appendVersionAs writes the version at the end of an entry's bytes anew, half of
// the times with numbers in any form that can hold them, most of them too long.
func appendVersionAs(t *rapid.T, b []byte, v crdt.Version) []byte {
	if rapid.Bool().Draw(t, "minimal") {
		return b
	}
	numbers := []uint64{uint64(v.Assigned), uint64(v.Replica), uint64(v.HLC)}
	for _, n := range numbers {
		b = b[:len(b)-cbor.HeadSize(n)]
	}
	for _, n := range numbers {
		switch form := rapid.IntRange(23, 27).Draw(t, "form"); {
		case form == 23:
			b = cbor.AppendHead(b, cbor.Uint, n)
		case form == 24 && n <= math.MaxUint8:
			b = append(b, 24, byte(n))
		case form == 25 && n <= math.MaxUint16:
			b = binary.BigEndian.AppendUint16(append(b, 25), uint16(n))
		case form == 26 && n <= math.MaxUint32:
			b = binary.BigEndian.AppendUint32(append(b, 26), uint32(n))
		default:
			b = binary.BigEndian.AppendUint64(append(b, 27), n)
		}
	}
	return b
}
