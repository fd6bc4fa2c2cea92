package node

import (
	"context"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/durable"
	"github.com/citynode/citynode/internal/store"
	"github.com/citynode/citynode/protocol"
)

// hanging is a city whose disk can hang, and a neighbour; both hold the same hero.
type hanging struct {
	net                *mockNet
	place              *store.Memory
	gotham, metropolis *member
	hero               crdt.Hero
}

// newHanging returns them at rest. The hero's health leaves room for orders to show in it.
func newHanging(t *testing.T) *hanging {
	t.Helper()
	h := &hanging{net: newMockNet(t), place: new(store.Memory), hero: aHero(newID(), 50).Hero}
	h.gotham = h.net.start(t, stored(t, h.place, quiet("gotham")))
	h.metropolis = h.net.start(t, quiet("metropolis"), h.gotham)
	awaitReady(t, h.gotham, h.metropolis)
	awaitAlive(t, h.gotham, h.metropolis)
	h.gotham.do(t, city.Update{Entries: crdt.Entries{Heroes: []crdt.Hero{h.hero}}, Source: city.SourceCaller})
	awaitEqual(t, h.gotham, h.metropolis)
	return h
}

// sent gives a city an order; the channel gets its error.
func sent(m *member, msg city.Message) <-chan error {
	ended := make(chan error, 1)
	go func() {
		_, err := m.city.Do(context.Background(), msg)
		ended <- err
	}()
	return ended
}

// killed cuts the power while the disk hangs, and starts the city again.
func (h *hanging) killed(t *testing.T, goOn func()) {
	t.Helper()
	h.place.Kill()
	goOn()
	h.gotham.killed(t, h.place)
	h.gotham = h.net.start(t, stored(t, h.place, quiet("gotham")), h.metropolis)
	awaitReady(t, h.gotham)
	awaitAlive(t, h.gotham, h.metropolis)
}

// wantHealth waits until both cities hold the hero with this health.
func (h *hanging) wantHealth(t *testing.T, want int) {
	t.Helper()
	awaitEqual(t, h.gotham, h.metropolis)
	if got := h.gotham.record(t, h.hero.ID).Hero.Health; int(got) != want {
		t.Errorf("the hero's health is %d, want %d", got, want)
	}
}

func TestNobodySeesWhatAHangingCommitHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHanging(t)
		held, robin := h.gotham.summary(), newID()
		var told atomic.Int32
		ctx, cancel := context.WithCancel(t.Context())
		watched := make(chan error, 1)
		go func() {
			watched <- h.metropolis.Call(ctx, "gotham", func(c *protocol.Client) error {
				return c.Watch(ctx, protocol.WatchRequest{},
					func(crdt.Summary) error { return nil },
					func(e crdt.Entries) error { told.Add(int32(e.Len())); return nil })
			})
		}()
		time.Sleep(time.Second)
		goOn := h.place.Stall()
		orders := []<-chan error{
			sent(h.gotham, city.Assign{Caller: orderer(newID()), Hero: h.hero.ID, Home: true}),
			sent(h.gotham, city.Create{Caller: orderer(robin), HeroName: "Robin", Here: true}),
		}
		time.Sleep(durable.StuckAfter / 2) // rounds of anti-entropy, and presences

		if _, err := h.metropolis.entropy.Sync(t.Context(), h.gotham.Peer()); err != nil {
			t.Error(err)
		}
		h.metropolis.call(t, "gotham", func(ctx context.Context, c *protocol.Client) error {
			for fact, r := range map[string]protocol.GetRequest{"all": {}, "by id": {IDs: []crdt.ID{h.hero.ID, robin}}, "here": {Location: "gotham"}} {
				var got crdt.Entries
				summary, err := c.Get(ctx, r, func(e crdt.Entries) error { got.Append(e); return nil })
				if err != nil || summary != held || got.Len() != 1 || got.Heroes[0] != h.hero {
					t.Errorf("get %s: %+v, %v, %v", fact, got, summary, err)
				}
			}
			info, err := c.Info(ctx)
			if err != nil || info.Summary != held || info.Store != protocol.StoreWorks {
				t.Errorf("info: %+v, %v", info, err)
			}
			return nil
		})
		shown, _ := h.metropolis.directory.Get(h.gotham.Peer())
		if shown.Presence.Summary != held || h.metropolis.summary() != held || told.Load() != 0 {
			t.Errorf("the presence shows %v, the neighbour holds %v, the watcher was told %d entries; want %v and none",
				shown.Presence.Summary, h.metropolis.summary(), told.Load(), held)
		}

		goOn()
		for _, order := range orders {
			if err := <-order; err != nil {
				t.Error(err)
			}
		}
		awaitEqual(t, h.gotham, h.metropolis)
		if h.metropolis.summary() == held || told.Load() != 2 {
			t.Errorf("once it is stored the neighbour holds %v, the watcher was told %d entries", h.metropolis.summary(), told.Load())
		}
		cancel()
		<-watched
	})
}

func TestAnOrderThatAKillInterruptedIsCarriedOutOnceWhenItComesAgain(t *testing.T) {
	interrupt := map[string]func(*testing.T, *hanging, city.Message){
		"before the disk has it": func(t *testing.T, h *hanging, order city.Message) {
			goOn := h.place.Stall()
			sent(h.gotham, order)
			time.Sleep(time.Second)
			h.killed(t, goOn)
		},
		"once the disk has it": func(t *testing.T, h *hanging, order city.Message) {
			h.place.FailAfterWrite(syscall.EIO)
			if err := <-sent(h.gotham, order); city.ReasonOf(err) != city.Unavailable {
				t.Errorf("answered %v", err)
			}
			h.killed(t, func() {})
		},
	}
	for when, kill := range interrupt {
		t.Run(when, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHanging(t)
				boost := h.gotham.cfg.City.Boost
				// The caller brings the hero along as the neighbour has it.
				order := city.Assign{
					Caller: orderer(newID()), Hero: h.hero.ID, Home: true,
					With: h.metropolis.record(t, h.hero.ID).Entries(),
				}
				kill(t, h, order)
				if got := h.gotham.do(t, order).Hero.Health; int(got) != 50+boost {
					t.Errorf("the order again: health %d, want %d", got, 50+boost)
				}
				h.wantHealth(t, 50+boost)
			})
		})
	}
}

// The neighbour carries out an order of its own on the hero as it sees it meanwhile.
func TestAnOrderElsewhereDuringAHangDoesNotCarryAlongWhatTheKillUndoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHanging(t)
		boost := h.gotham.cfg.City.Boost
		order := city.Assign{Caller: orderer(newID()), Hero: h.hero.ID}
		goOn := h.place.Stall()
		sent(h.gotham, order)
		time.Sleep(time.Second)
		h.metropolis.call(t, "gotham", func(ctx context.Context, c *protocol.Client) error {
			var with crdt.Entries
			_, err := c.Get(ctx, protocol.GetRequest{IDs: []crdt.ID{h.hero.ID}}, func(e crdt.Entries) error { with.Append(e); return nil })
			h.metropolis.do(t, city.Assign{Caller: orderer(newID()), Hero: h.hero.ID, With: with})
			return err
		})
		h.killed(t, goOn)
		awaitEqual(t, h.gotham, h.metropolis)
		h.gotham.do(t, order)
		h.wantHealth(t, 50+2*boost)
	})
}

// The disk hangs with the first order, and the second waits for it.
func TestAnOrderThatAFaultRefusedIsDoneIfTheRefusalSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHanging(t)
		boost := h.gotham.cfg.City.Boost
		given := city.Assign{Caller: orderer(newID()), Hero: h.hero.ID}
		dropped := city.Create{Caller: orderer(newID()), HeroName: "Robin", Here: true}
		goOn := h.place.Stall()
		refused := make(map[string][]<-chan error)
		for range 2 { // each comes again while it waits
			refused["may do it once"] = append(refused["may do it once"], sent(h.gotham, given))
			synctest.Wait()
		}
		for range 2 {
			refused["has not done it"] = append(refused["has not done it"], sent(h.gotham, dropped))
			synctest.Wait()
		}
		for says, orders := range refused {
			for _, order := range orders {
				if err := <-order; err == nil || !strings.Contains(err.Error(), says) {
					t.Errorf("refused with %v, want %q", err, says)
				}
			}
		}
		goOn()
		eventually(t, "the store works again", func() bool { return h.gotham.journal.Fault() == nil })
		h.wantHealth(t, 50+boost)
		if got := h.gotham.record(t, dropped.Request).Kind; got != crdt.KindNone {
			t.Error("what was dropped is there")
		}
		h.gotham.do(t, given)
		h.gotham.do(t, dropped)
		h.wantHealth(t, 50+boost)
		if h.gotham.record(t, dropped.Request).Kind != crdt.KindHero {
			t.Error("what was dropped was not done again")
		}
	})
}
