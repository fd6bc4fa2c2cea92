package node

import (
	"sync"
	"testing"
	"testing/synctest"

	"github.com/citynode/citynode/crdt/sketch"
	"github.com/citynode/citynode/internal/reconcile"
)

func TestSessionsShareASketchWhileTheStateStaysTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gotham := newMockNet(t).start(t, quiet("gotham"))
		awaitReady(t, gotham)
		synced := &syncedCity{self: gotham.self, audits: newAudits()}
		gotham.create(t, "Batman")
		look := func(cells int) reconcile.View {
			t.Helper()
			replica, _, err := synced.Replica()
			if err != nil {
				t.Fatal(err)
			}
			v, err := replica.View(t.Context(), reconcile.Query{Cells: cells})
			if err != nil || len(v.Cells) != cells {
				t.Fatalf("%d cells, %v", len(v.Cells), err)
			}
			return v
		}
		first := look(sketch.CellsMin)
		if again := look(100); &again.Cells[0] != &first.Cells[0] || again.Hello.Summary != first.Hello.Summary {
			t.Error("the same sketch was copied again")
		}
		gotham.create(t, "Robin")
		if changed := look(100); &changed.Cells[0] == &first.Cells[0] || changed.Cells[0].Count != 2 {
			t.Error("a changed state has its old sketch")
		}
		gotham.bomb(t)
		if empty := look(100); empty.Cells[0].Count != 0 {
			t.Error("a new incarnation has the old one's sketch")
		}
	})
}

func TestTwoCitiesThatSyncWithEachOtherAtOnceAreEqual(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		cfg, other := quiet("gotham"), quiet("metropolis")
		cfg.NoGossip, other.NoGossip = true, true
		gotham := net.start(t, cfg)
		metropolis := net.start(t, other, gotham)
		awaitReady(t, gotham, metropolis)
		awaitAlive(t, gotham, metropolis)
		for range 20 {
			for range 30 {
				gotham.create(t, "Batman")
				metropolis.create(t, "Superman")
			}
			var both sync.WaitGroup
			for _, pair := range [][2]*member{{gotham, metropolis}, {metropolis, gotham}} {
				both.Go(func() {
					if _, err := pair[0].entropy.Sync(t.Context(), pair[1].Peer()); err != nil {
						t.Error(err)
					}
				})
			}
			both.Wait()
			if !equal([]*member{gotham, metropolis}) {
				t.Fatal("not equal after two sessions at once")
			}
		}
	})
}
