package city

import (
	"slices"
	"testing"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/crdt/sketch"
)

// serving starts a city that ends with the test, and has it make that many heroes.
func serving(t *testing.T, heroes int) (*City, []crdt.Hero) {
	t.Helper()
	c, err := New(Config{Name: "gotham", Replica: 1, PatrolEvery: Off, FightEvery: Off}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	serve, err := c.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- serve(t.Context()) }()
	t.Cleanup(func() {
		if err := <-ended; err != nil { // the test's context has ended
			t.Error(err)
		}
	})
	if _, err := c.Do(t.Context(), Open{}); err != nil {
		t.Fatal(err)
	}
	made := make([]crdt.Hero, heroes)
	for n := range made {
		reply, err := c.Do(t.Context(), createNumber(n))
		if err != nil {
			t.Fatal(err)
		}
		made[n] = reply.Hero
	}
	return c, made
}

// More than one turn of the loop is needed for these.
func TestAllRecordsAndSymbolsThatAreAskedForAreLookedUp(t *testing.T) {
	c, made := serving(t, 2*recordsPerTurn+3)
	inc, err := c.Current()
	if err != nil {
		t.Fatal(err)
	}
	ids, symbols := []crdt.ID{{0: 0xff}}, []uint64{1}
	for _, h := range made {
		ids, symbols = append(ids, h.ID), append(symbols, h.Fingerprint().Symbol())
	}
	records, summary, err := inc.Records(t.Context(), ids)
	if err != nil || !slices.Equal(records.Heroes, made) || summary.Heroes != uint64(len(made)) {
		t.Errorf("%d of %d records, summary %+v, %v", records.Len(), len(made), summary, err)
	}
	found, err := inc.Find(t.Context(), symbols)
	if err != nil || !slices.Equal(found.Entries.Heroes, made) || found.Unknown != 1 {
		t.Errorf("%d of %d symbols found, %d unknown, %v", found.Entries.Len(), len(made), found.Unknown, err)
	}
}

func TestASketchIsGivenAgainOnlyWhileTheStateStaysTheSame(t *testing.T) {
	c, _ := serving(t, 3)
	inc, err := c.Current()
	if err != nil {
		t.Fatal(err)
	}
	first, err := inc.Sketch(t.Context(), sketch.CellsMin, Sketch{})
	if err != nil {
		t.Fatal(err)
	}
	again, err := inc.Sketch(t.Context(), sketch.CellsMin, first)
	if err != nil || &again.Cells[0] != &first.Cells[0] {
		t.Errorf("of the same state the cells were copied once more, %v", err)
	}
	if _, err := c.Do(t.Context(), createNumber(3)); err != nil {
		t.Fatal(err)
	}
	later, err := inc.Sketch(t.Context(), sketch.CellsMin, first)
	if err != nil || later.Summary == first.Summary || slices.Equal(later.Cells, first.Cells) {
		t.Errorf("of another state the sketch is that of before, %v", err)
	}
}
