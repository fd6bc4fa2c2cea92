package crdttest_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/crdt/crdttest"
)

func TestGeneratedEntriesAreValid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		if err := crdttest.Entries().Draw(t, "entries").Validate(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestPoolIDsDiffer(t *testing.T) {
	seen := map[crdt.ID]bool{}
	for i := range 10_000 {
		seen[crdttest.IDOf(i)] = true
	}
	if len(seen) != 10_000 {
		t.Fatalf("%d different IDs of 10000", len(seen))
	}
}

func TestTwinsShareASymbolAndNothingElse(t *testing.T) {
	a, b := crdttest.Twins()
	if a.ID == b.ID || a.Fingerprint() == b.Fingerprint() || a.Fingerprint().Symbol() != b.Fingerprint().Symbol() {
		t.Errorf("%v and %v", a, b)
	}
}
