package node

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/protocol"
)

// inventedHeroes returns heroes of so many IDs that nobody has heard of.
func inventedHeroes(n int) (e crdt.Entries) {
	for range n {
		e.Heroes = append(e.Heroes, aHero(newID(), 50).Hero)
	}
	return e
}

func TestAFullCityAndOthersAgreeOnWhatTheyHaveInCommon(t *testing.T) {
	for fact, noGossip := range map[string]bool{"with gossip": false, "by anti-entropy alone": true} {
		t.Run(fact, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				net := newMockNet(t)
				small := quiet("gotham")
				small.EntriesMax, small.NoGossip = 100, noGossip
				large := quiet("metropolis")
				large.NoGossip = noGossip
				gotham := net.start(t, small)
				metropolis := net.start(t, large, gotham)
				awaitReady(t, gotham, metropolis)
				awaitAlive(t, gotham, metropolis)
				common := metropolis.create(t, "Superman")
				awaitEqual(t, gotham, metropolis)
				metropolis.do(t, city.Update{Entries: inventedHeroes(300), Source: city.SourceCaller})
				eventually(t, "gotham is full", func() bool { return gotham.status(t).Full })
				if got := gotham.summary(); got.Heroes != 100 {
					t.Errorf("gotham holds %d", got.Heroes)
				}

				// Each change of a hero that both know gets through, deaths too.
				for range 5 {
					moved := metropolis.assign(t, common.ID)
					eventually(t, "gotham knows it", func() bool { return gotham.record(t, common.ID).Hero == moved })
					moved = gotham.assign(t, common.ID)
					eventually(t, "metropolis knows it", func() bool { return metropolis.record(t, common.ID).Hero == moved })
				}
				metropolis.do(t, city.Retire{Caller: orderer(newID()), Hero: common.ID})
				eventually(t, "gotham knows of the death", func() bool {
					return gotham.record(t, common.ID).Kind == crdt.KindTombstone
				})

				err := metropolis.tryCall(t, "gotham", func(ctx context.Context, c *protocol.Client) error {
					_, err := c.Create(ctx, newID(), protocol.CreateRequest{Name: "Batman"})
					return err
				})
				if !errors.Is(err, protocol.ErrUnavailable) {
					t.Errorf("a create: %v", err)
				}
				if s := gotham.status(t); s.LeftOut == 0 || metropolis.status(t).Full {
					t.Errorf("%d were left out; metropolis is full: %t", s.LeftOut, metropolis.status(t).Full)
				}
			})
		})
	}
}

// What a full city cannot take is not sent to it all the time.
func TestAFullCityIsNotSentForEverWhatItHasNoRoomFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		small := quiet("gotham")
		small.EntriesMax = 1000
		gotham := net.start(t, small)
		metropolis := net.start(t, quiet("metropolis"), gotham)
		awaitReady(t, gotham, metropolis)
		awaitAlive(t, gotham, metropolis)
		metropolis.do(t, city.Update{Entries: inventedHeroes(5000), Source: city.SourceStore})
		eventually(t, "gotham is full", func() bool { return gotham.status(t).Full })
		time.Sleep(2 * time.Minute)
		before := gotham.status(t).LeftOut
		time.Sleep(10 * time.Minute)
		if more := gotham.status(t).LeftOut - before; more > 8000 {
			t.Errorf("in ten minutes it has left out %d of 4000", more)
		}
	})
}

// A stranger that comes later brings what it may, and no more, whatever the way.
func TestAStrangerBringsNoMoreNewHeroesThanItMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		gotham := net.start(t, quiet("gotham"))
		awaitReady(t, gotham)
		hero := gotham.create(t, "Batman")
		time.Sleep(time.Minute)
		hostile := newStranger(t, net)
		hostile.meets(t, gotham)
		client := hostile.client(t, gotham)
		busy := false
		for range 20 {
			_, err := client.Update(t.Context(), inventedHeroes(1000))
			busy = busy || errors.Is(err, protocol.ErrBusy)
		}
		if held := gotham.summary().Heroes; !busy || held > 8000 {
			t.Errorf("it has brought %d, busy %t", held, busy)
		}
		time.Sleep(time.Minute) // which pays for what it asked in vain
		if _, err := client.Assign(t.Context(), newID(), protocol.AssignRequest{Hero: hero.ID}); err != nil {
			t.Errorf("an order for a hero that the city knows: %v", err)
		}
	})
}

// Two cities that never met, and each hold much, have it all in the end.
func TestCitiesThatMeetLateGetAllThatTheOtherHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		gotham, metropolis := net.start(t, quiet("gotham")), net.start(t, quiet("metropolis"))
		awaitReady(t, gotham, metropolis)
		for _, m := range []*member{gotham, metropolis} {
			m.do(t, city.Update{Entries: inventedHeroes(20_000), Source: city.SourceStore})
		}
		time.Sleep(10 * time.Minute)
		if err := gotham.host.Connect(t.Context(), peer.AddrInfo{ID: metropolis.Peer(), Addrs: metropolis.host.Addrs()}); err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		eventually(t, "all cities hold the same", func() bool { return equal([]*member{gotham, metropolis}) })
		t.Logf("after %v", time.Since(begun))
		if gotham.summary().Heroes != 40_000 {
			t.Errorf("they hold %v", gotham.summary())
		}
	})
}
