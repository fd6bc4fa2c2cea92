package crdt_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/crdt/crdttest"
	"github.com/citynode/citynode/crdt/sketch"
)

// afresh is the sketch of all that a state holds.
func afresh(s *crdt.State, cells int) []sketch.Cell {
	k := sketch.New(cells)
	e, _, _ := s.Page(0, 1<<30)
	for _, h := range e.Heroes {
		k.Add(h.Fingerprint().Symbol())
	}
	for _, t := range e.Tombstones {
		k.Add(t.Fingerprint().Symbol())
	}
	return k.AppendCells(nil, cells)
}

func TestTheKeptSketchIsThatOfTheState(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := crdt.NewState()
		for _, e := range rapid.SliceOf(crdttest.Entries()).Draw(t, "history") {
			s.Merge(e, crdt.NoHorizon)
			if got := s.AppendCells(nil, sketch.CellsMin); !slices.Equal(got, afresh(s, sketch.CellsMin)) {
				t.Fatal("the kept cells are not those of the entries")
			}
		}
	})
}

func TestTheKeptSketchGrowsWithTheState(t *testing.T) {
	s := crdt.NewState()
	for _, size := range []int{50, 200, 300, 5_000, 20_000} {
		s.Merge(heroes(size), crdt.NoHorizon)
		cells := s.AppendCells(nil, 1<<20)
		if len(cells) < size {
			t.Errorf("%d cells for %d entries", len(cells), size)
		}
		if !slices.Equal(cells, afresh(s, len(cells))) {
			t.Errorf("with %d entries the kept cells are not theirs", size)
		}
	}
}
