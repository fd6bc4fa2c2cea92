package crdt_test

import (
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/crdt/crdttest"
)

// wantSymbols checks that each entry, and no other, is found by its symbol.
func wantSymbols(t *rapid.T, s *crdt.State, m model) {
	var want []uint64
	for _, r := range m {
		symbol := r.Fingerprint().Symbol()
		want = append(want, symbol)
		wantBySymbol(t, s, symbol, r.Entries(), crdt.SymbolCurrent)
	}
	got := slices.Sorted(s.Symbols())
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Fatalf("symbols %x, want %x", got, want)
	}
}

func wantBySymbol(t *rapid.T, s *crdt.State, symbol uint64, want crdt.Entries, found crdt.SymbolStatus) {
	if got, how := s.AppendBySymbol(crdt.Entries{}, symbol); how != found || !reflect.DeepEqual(got, want) {
		t.Fatalf("symbol %x: %d, %+v, want %d, %+v", symbol, how, got, found, want)
	}
}

func TestAReplacedSymbolLeadsToWhatReplacedIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := crdt.NewState()
		replaced := map[uint64]crdt.ID{}
		for _, e := range split(crdttest.Entries().Draw(t, "history")) {
			for _, c := range s.Merge(e, crdt.NoHorizon).Changes {
				if c.Old.Kind != crdt.KindNone {
					replaced[c.Old.Fingerprint().Symbol()] = c.ID
				}
			}
		}
		for symbol, id := range replaced {
			wantBySymbol(t, s, symbol, s.Record(id).Entries(), crdt.SymbolReplaced)
		}
		wantBySymbol(t, s, 0, crdt.Entries{}, crdt.SymbolUnknown)
	})
}

// The last ones are remembered, however many there were.
func TestReplacedSymbolsAreForgottenInTheirOrder(t *testing.T) {
	s, h := crdt.NewState(), batman()
	var symbols []uint64
	for range 3 * crdt.ReplacedMax {
		h.Version.HLC++
		s.MergeHero(h)
		symbols = append(symbols, h.Fingerprint().Symbol())
	}
	for i, symbol := range symbols {
		want := crdt.SymbolUnknown
		switch ago := len(symbols) - 1 - i; {
		case ago == 0:
			want = crdt.SymbolCurrent
		case ago <= crdt.ReplacedMax:
			want = crdt.SymbolReplaced
		}
		if _, got := s.AppendBySymbol(crdt.Entries{}, symbol); got != want {
			t.Fatalf("symbol %d of %d: %d, want %d", i, len(symbols), got, want)
		}
	}
	if err := crdt.CheckState(s); err != nil {
		t.Fatal(err)
	}
}

func TestAllThatShareASymbolAreFound(t *testing.T) {
	const shared = 0
	for range 10 { // the keys of the tables differ
		s := crdt.NewState()
		want := crdt.Entries{Heroes: []crdt.Hero{batman()}}
		for i := range 20 {
			h := batman()
			h.ID = crdttest.IDOf(i)
			s.MergeHero(h)
			if i%4 == 0 {
				crdt.ForgeSymbol(s, h.ID, shared)
				want.Heroes = append(want.Heroes, h)
			}
		}
		slices.SortFunc(want.Heroes[1:], func(a, b crdt.Hero) int { return a.ID.Compare(b.ID) })
		got, found := s.AppendBySymbol(crdt.Entries{Heroes: []crdt.Hero{batman()}}, shared)
		if found != crdt.SymbolCurrent || !reflect.DeepEqual(got, want) {
			t.Fatalf("got %d, %+v, want %+v", found, got, want)
		}
	}
}
