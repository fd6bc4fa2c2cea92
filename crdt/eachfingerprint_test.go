package crdt_test

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/crdt/crdttest"
)

type printed struct {
	id crdt.ID
	of crdt.Fingerprint
}

func whatever(crdt.ID) bool { return true }

// printsOf returns what EachFingerprint tells.
func printsOf(b []byte) (prints []printed, err error) {
	err = crdt.EachFingerprint(b, whatever, func(id crdt.ID, f crdt.Fingerprint) { prints = append(prints, printed{id, f}) })
	return prints, err
}

func TestFingerprintsOfABatchAreThoseOfItsEntries(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := crdttest.Entries().Draw(t, "entries")
		var want []printed
		for _, h := range e.Heroes {
			want = append(want, printed{h.ID, h.Fingerprint()})
		}
		for _, d := range e.Tombstones {
			want = append(want, printed{d.ID, d.Fingerprint()})
		}
		got, err := printsOf(crdt.AppendEntries(nil, e))
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%d of %d, %v", len(got), len(want), err)
		}
	})
}

func TestOnlyWhatIsCoveredIsTold(t *testing.T) {
	e := crdt.Entries{Tombstones: []crdt.Tombstone{{ID: crdttest.IDOf(1)}, {ID: crdttest.IDOf(2)}, {ID: crdttest.IDOf(3)}}}
	var told []crdt.ID
	err := crdt.EachFingerprint(crdt.AppendEntries(nil, e), func(id crdt.ID) bool { return id != crdttest.IDOf(2) },
		func(id crdt.ID, _ crdt.Fingerprint) { told = append(told, id) })
	if err != nil || !slices.Equal(told, []crdt.ID{crdttest.IDOf(1), crdttest.IDOf(3)}) {
		t.Errorf("%v, %v", told, err)
	}
}

func TestWhatIsNoBatchHasNoFingerprints(t *testing.T) {
	for _, b := range []string{"", "\xff", "\xa1\x01\x81\x01", "\xa1\x01\x81\x80", "\xa1\x01\x81\x81\x41\x00", "\xa0\x00"} {
		if got, err := printsOf([]byte(b)); !errors.Is(err, crdt.ErrMalformed) || len(got) > 0 {
			t.Errorf("%q: %d entries, %v", b, len(got), err)
		}
	}
}

func TestFingerprintsOfABatchAreNotAllocated(t *testing.T) {
	var e crdt.Entries
	for n := range 300 {
		e.Tombstones = append(e.Tombstones, crdt.Tombstone{ID: crdttest.IDOf(n)})
	}
	page := crdt.AppendEntries(nil, e)
	if n := testing.AllocsPerRun(10, func() {
		if err := crdt.EachFingerprint(page, whatever, func(crdt.ID, crdt.Fingerprint) {}); err != nil {
			t.Fatal(err)
		}
	}); n > 2 {
		t.Errorf("%v allocations for 300 entries", n)
	}
}
