package crdt_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/crdt/crdttest"
)

func TestFingerprintIsTheHashOfKindAndEncoding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, d := crdttest.Hero().Draw(t, "hero"), crdttest.Tombstone().Draw(t, "tombstone")
		if got, want := h.Fingerprint(), sha256.Sum256(crdt.AppendHero([]byte{1}, h)); got != want {
			t.Fatalf("hero: got %x, want %x", got, want)
		}
		if got, want := d.Fingerprint(), sha256.Sum256(crdt.AppendTombstone([]byte{2}, d)); got != want {
			t.Fatalf("tombstone: got %x, want %x", got, want)
		}
		f := h.Fingerprint()
		if f.Symbol() != binary.LittleEndian.Uint64(f[16:24]) {
			t.Fatalf("symbol of %x is %x", f, f.Symbol())
		}
	})
}

func TestDigestSumsLaneByLane(t *testing.T) {
	var one, most crdt.Fingerprint
	one[0], one[8], one[16] = 1, 2, 9
	for i := range 8 {
		most[i] = 0xff // the first lane is 2^64-1, the second 0
	}
	var d crdt.Digest
	d.Add(one)
	d.Add(most) // no carry into the second lane
	if got, want := d.String(), "00000000000000000200000000000000"; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	d.Remove(one) // borrows, but not from the second lane
	if got, want := d.String(), "ffffffffffffffff0000000000000000"; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	text, err := json.Marshal(d)
	if want := `"ffffffffffffffff0000000000000000"`; err != nil || string(text) != want {
		t.Fatalf("got %s, %v, want %s", text, err, want)
	}
}

func TestDigestRemoveUndoesAddInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		heroes := rapid.SliceOfN(crdttest.Hero(), 1, 8).Draw(t, "heroes")
		var d crdt.Digest
		for _, h := range heroes {
			d.Add(h.Fingerprint())
		}
		for _, h := range rapid.Permutation(heroes).Draw(t, "order") {
			d.Remove(h.Fingerprint())
		}
		if d != (crdt.Digest{}) {
			t.Fatalf("got %v", d)
		}
	})
}

func TestSummariesCanBeMadeEqual(t *testing.T) {
	one, other := crdttest.SameSum()
	summary := func(tombstones []crdt.Tombstone) crdt.Summary {
		s := crdt.NewState()
		for _, d := range tombstones {
			s.MergeTombstone(d)
		}
		return s.Summary()
	}
	if a, b := summary(one), summary(other); a != b || a.Tombstones != 64 {
		t.Errorf("%+v and %+v", a, b)
	}
	for i, d := range one {
		if slices.Contains(other, d) || d.Validate() != nil {
			t.Errorf("tombstone %d is in both, or not valid", i)
		}
	}
}
