package node

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/protocol"
)

// Orders are given between any two pages, so the state is another one at each of them.
func TestAnExportIsTheStateOfOneMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		gotham := net.start(t, quiet("gotham"))
		awaitReady(t, gotham)
		gotham.do(t, city.Update{Entries: inventedHeroes(2000), Source: city.SourceCaller})
		for range 20 {
			gotham.do(t, city.Retire{Caller: orderer(newID()), Hero: gotham.create(t, "Robin").ID})
		}
		held, taken := gotham.summary(), crdt.StampAt(gotham.cfg.Now())
		var cut protocol.ExportCut
		read, pages := crdt.NewState(), 0
		var one crdt.ID
		err := gotham.tryCall(t, "gotham", func(ctx context.Context, c *protocol.Client) error {
			begin := func(is protocol.ExportCut) error {
				cut = is
				return nil
			}
			return c.Export(ctx, begin, func(e crdt.Entries) error {
				read.Merge(e, crdt.NoHorizon)
				pages++
				if len(e.Heroes) > 0 && one != (crdt.ID{}) {
					gotham.assign(t, e.Heroes[0].ID)
					gotham.do(t, city.Retire{Caller: orderer(newID()), Hero: one})
					gotham.create(t, "Jason")
				}
				if len(e.Heroes) > 0 {
					one = e.Heroes[len(e.Heroes)-1].ID
				}
				return nil
			})
		})
		if err != nil {
			t.Fatal(err)
		}
		if cut.Summary != held || read.Summary() != held {
			t.Errorf("exported %+v, told %+v, want %+v", read.Summary(), cut.Summary, held)
		}
		if cut.Network != "main" || cut.City != "gotham" || string(cut.Peer) != string(gotham.Peer()) || cut.Taken < taken {
			t.Errorf("%+v, taken at %v", cut, taken)
		}
		if pages < 5 || gotham.summary() == held {
			t.Errorf("%d pages, and nothing has changed meanwhile", pages)
		}
	})
}

func TestOnlyAnAdminExports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		gotham := net.start(t, quiet("gotham"))
		metropolis := net.start(t, quiet("metropolis"), gotham)
		awaitReady(t, gotham, metropolis)
		awaitAlive(t, gotham, metropolis)
		err := metropolis.tryCall(t, "gotham", func(ctx context.Context, c *protocol.Client) error {
			return c.Export(ctx, func(protocol.ExportCut) error { return nil }, func(crdt.Entries) error { return nil })
		})
		if !errors.Is(err, protocol.ErrForbidden) {
			t.Errorf("somebody else: %v", err)
		}
	})
}

// A caller that goes away within an export leaves nothing behind: the next one is served.
func TestAnExportThatIsBrokenOffHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		gotham := net.start(t, quiet("gotham"))
		awaitReady(t, gotham)
		gotham.do(t, city.Update{Entries: inventedHeroes(3000), Source: city.SourceCaller})
		enough := errors.New("enough")
		export := func(page func(crdt.Entries) error) error {
			return gotham.tryCall(t, "gotham", func(ctx context.Context, c *protocol.Client) error {
				return c.Export(ctx, func(protocol.ExportCut) error { return nil }, page)
			})
		}
		if err := export(func(crdt.Entries) error { return enough }); !errors.Is(err, enough) {
			t.Fatal(err)
		}
		if err := export(func(crdt.Entries) error { return nil }); err != nil {
			t.Errorf("the next one: %v", err)
		}
		within := export(func(crdt.Entries) error {
			if err := export(func(crdt.Entries) error { return nil }); !errors.Is(err, protocol.ErrBusy) {
				t.Errorf("a second one meanwhile: %v", err)
			}
			return enough
		})
		if !errors.Is(within, enough) {
			t.Error(within)
		}
	})
}
