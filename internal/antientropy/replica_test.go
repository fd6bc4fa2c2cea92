package antientropy

import (
	"runtime"
	"testing"
	"time"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/crdt/sketch"
	"github.com/citynode/citynode/internal/reconcile"
)

// begin starts an incarnation, and returns what bombs it and waits for its end.
func begin(t *testing.T, c *city.City) (bomb func()) {
	t.Helper()
	serve, err := c.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = serve(t.Context()) // ErrBombed
	}()
	if _, err := c.Do(t.Context(), city.Open{}); err != nil {
		t.Fatal(err)
	}
	return func() {
		_, _ = c.Do(t.Context(), city.Bomb{})
		<-ended
	}
}

func TestSessionsShareASketchWhileTheStateStaysTheSame(t *testing.T) {
	gotham := newGotham(t)
	bomb := begin(t, gotham)
	create := func(id byte) {
		if _, err := gotham.Do(t.Context(), city.Create{Caller: city.Caller{Name: "alfred", Request: crdt.ID{id}}, HeroName: "Robin", Here: true}); err != nil {
			t.Fatal(err)
		}
	}
	synced := newSyncedCity(gotham, func() crdt.Stamp { return crdt.StampAt(time.Now()) })
	look := func(cells int) reconcile.View {
		t.Helper()
		replica, err := synced.replica("", forOthers, false)
		if err != nil {
			t.Fatal(err)
		}
		v, err := replica.View(t.Context(), reconcile.Query{Cells: cells})
		if err != nil || len(v.Cells) != cells {
			t.Fatalf("%d cells, %v", len(v.Cells), err)
		}
		return v
	}
	create(1)
	first := look(sketch.CellsMin)
	if again := look(100); &again.Cells[0] != &first.Cells[0] || again.Hello.Summary != first.Hello.Summary {
		t.Error("the same sketch was copied again")
	}
	create(2)
	if changed := look(100); &changed.Cells[0] == &first.Cells[0] || changed.Cells[0].Count != 2 {
		t.Error("a changed state has its old sketch")
	}
	bomb()
	begin(t, gotham)
	if empty := look(100); empty.Cells[0].Count != 0 {
		t.Error("a new incarnation has the old one's sketch")
	}
}

// Whatever is asked for, there is one copy of what the state keeps.
func TestNobodyIsShownMoreOfASketchThanTheStateKeeps(t *testing.T) {
	gotham := newGotham(t)
	begin(t, gotham)
	synced := newSyncedCity(gotham, func() crdt.Stamp { return crdt.StampAt(time.Now()) })
	replica, err := synced.replica("", forOthers, false)
	if err != nil {
		t.Fatal(err)
	}
	var first reconcile.View
	for range 3 {
		v, err := replica.View(t.Context(), reconcile.Query{Cells: 1 << 20})
		if err != nil || cap(v.Cells) > 1<<10 { // an empty state keeps few
			t.Fatalf("%d cells, %v", cap(v.Cells), err)
		}
		if first.Cells == nil {
			first = v
		}
		if &v.Cells[0] != &first.Cells[0] {
			t.Error("the same sketch was copied again")
		}
	}
}

func TestAuditsOneAfterAnotherShareTheirMemory(t *testing.T) {
	var spare spareAuditors
	first := spare.take(forOthers)
	first.page = make([]byte, 1<<10)
	spare.keep(forOthers, first)
	if spare.take(forOwn) == first {
		t.Error("walks that may run at once share memory")
	}
	if spare.take(forOthers) != first {
		t.Error("the next audit takes memory of its own")
	}
	runtime.KeepAlive(first)
	runtime.GC()
	if kept := spare[forOthers].Value(); kept != nil {
		t.Error("what nobody uses is kept")
	}
}
