package node

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/host"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/protocol"
)

// ownHost returns a host that the test has made for a program of its own.
func (n *mockNet) ownHost(t *testing.T) host.Host {
	t.Helper()
	return newStranger(t, n).Host
}

func TestANodeLivesOnAHostOfTheProgramAndLeavesItAsItWas(t *testing.T) {
	for fact, withPubSub := range map[string]bool{"its own gossip": false, "the program's gossip": true} {
		t.Run(fact, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				net := newMockNet(t)
				metropolis := net.start(t, quiet("metropolis"))
				h := net.ownHost(t)
				before := h.Mux().Protocols()
				cfg := quiet("gotham")
				cfg.Host = h
				if withPubSub {
					ctx, cancel := context.WithCancel(context.Background())
					t.Cleanup(cancel)
					ps, err := pubsub.NewGossipSub(ctx, h)
					if err != nil {
						t.Fatal(err)
					}
					cfg.PubSub = ps
					before = h.Mux().Protocols()
				}
				cfg.Bootstrap = metropolis.Addrs()
				gotham := start(t, cfg)
				awaitReady(t, gotham, metropolis)
				awaitAlive(t, gotham, metropolis)
				time.Sleep(5 * time.Second) // the mesh is built
				hero := metropolis.create(t, "Batman")
				within(t, gossipSoon, "gossip", func() { awaitEqual(t, gotham, metropolis) })
				gotham.assign(t, hero.ID)
				within(t, gossipSoon, "gossip back", func() { awaitEqual(t, gotham, metropolis) })
				gotham.leave(t)
				after := h.Mux().Protocols()
				slices.Sort(before)
				slices.Sort(after)
				if !slices.Equal(before, after) {
					t.Errorf("the host speaks %v, before it spoke %v", after, before)
				}
				if withPubSub {
					if topics := cfg.PubSub.GetTopics(); len(topics) > 0 {
						t.Errorf("the program's GossipSub is in %v", topics)
					}
				}
				again := start(t, cfg)
				awaitReady(t, again)
				awaitEqual(t, again, metropolis)
				again.leave(t)
			})
		})
	}
}

func TestAHostThatANodeWouldBreakIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		gossiping, unsigned, other := net.ownHost(t), net.ownHost(t), net.ownHost(t)
		theirs, err := pubsub.NewGossipSub(ctx, gossiping)
		if err != nil {
			t.Fatal(err)
		}
		noSign, err := pubsub.NewGossipSub(ctx, unsigned, pubsub.WithMessageSignaturePolicy(pubsub.StrictNoSign))
		if err != nil {
			t.Fatal(err)
		}
		for fact, row := range map[string]struct {
			change func(*Config)
			want   string
		}{
			"a GossipSub that is not given":  {func(c *Config) { c.Host = gossiping }, "has a GossipSub already"},
			"a GossipSub of another host":    {func(c *Config) { c.Host, c.PubSub = other, theirs }, "the PubSub is of peer"},
			"a GossipSub without signatures": {func(c *Config) { c.Host, c.PubSub = unsigned, noSign }, "StrictSign"},
			"a GossipSub without its host":   {func(c *Config) { c.PubSub = theirs }, "PubSub needs Host"},
			"another key than the host's":    {func(c *Config) { c.Host, c.Identity = other, newKey(t) }, "the Identity is not that of the Host"},
			"addresses of its own":           {func(c *Config) { c.Host, c.Open = other, true }, "do not go with Host"},
		} {
			cfg := quiet("gotham")
			row.change(&cfg)
			n, err := New(cfg)
			if err == nil {
				_ = n.Close()
			}
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("%s: %v, want %q", fact, err, row.want)
			}
		}
		cfg := quiet("gotham")
		cfg.Host = other
		first, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), "another node") {
			t.Errorf("a second node on one host: %v", err)
		}
		if err := first.Close(); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Second)
	})
}

func TestTheOwnCityIsCalledAsOthersAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gotham, metropolis := twoCities(t)
		for _, name := range []string{"gotham", "metropolis"} {
			gotham.call(t, name, func(ctx context.Context, c *protocol.Client) error {
				info, err := c.Info(ctx)
				if err == nil && info.City != name {
					t.Errorf("%s answers as %s", name, info.City)
				}
				return err
			})
			err := gotham.tryCall(t, name, func(ctx context.Context, c *protocol.Client) error {
				_, err := c.Retire(ctx, newID(), protocol.RetireRequest{Hero: newID()})
				return err
			})
			if !errors.Is(err, protocol.ErrNotFound) {
				t.Errorf("%s: %v of an unknown hero", name, err)
			}
		}
		hero := gotham.create(t, "Batman")
		seen := make(chan crdt.ID, 1)
		live := make(chan struct{})
		watching := make(chan error, 1)
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			watching <- gotham.Call(ctx, "gotham", func(c *protocol.Client) error {
				return c.Watch(ctx, protocol.WatchRequest{}, func(crdt.Summary) error { close(live); return nil },
					func(e crdt.Entries) error {
						for _, h := range e.Heroes {
							seen <- h.ID
						}
						return nil
					})
			})
		}()
		<-live
		gotham.assign(t, hero.ID)
		if id := <-seen; id != hero.ID {
			t.Errorf("saw %s, want %s", id, hero.ID)
		}
		cancel()
		if err := <-watching; !errors.Is(err, context.Canceled) {
			t.Errorf("the watch ended with %v", err)
		}
		_ = metropolis
	})
}

func TestCitiesAreFollowedThroughTheirChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		gotham := net.start(t, quiet("gotham"))
		awaitReady(t, gotham)
		ctx, cancel := context.WithCancel(t.Context())
		news := make(chan CityInfo, 100)
		done := make(chan struct{})
		go func() {
			defer close(done)
			for c := range gotham.FollowCities(ctx) {
				news <- c
			}
		}()
		metropolis := net.start(t, quiet("metropolis"), gotham)
		awaitReady(t, metropolis)
		found := <-news
		if found.Name != "metropolis" || found.Status != Alive || found.Peer != metropolis.Peer() {
			t.Errorf("found %+v", found)
		}
		if got := gotham.Cities(); len(got) != 1 || got[0].Name != "metropolis" {
			t.Errorf("knows %+v", got)
		}
		metropolis.bomb(t)
		if again := <-news; again.Incarnation <= found.Incarnation || again.Status != Alive {
			t.Errorf("after a bomb %+v", again)
		}
		metropolis.leave(t)
		if left := <-news; left.Status != Left {
			t.Errorf("after a goodbye %+v", left)
		}
		cancel()
		<-done
	})
}

func TestANodeIsRunOnceAndAnswersMisuse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		m := net.start(t, quiet("gotham"))
		awaitReady(t, m)
		if err := m.Run(t.Context()); !errors.Is(err, ErrClosed) {
			t.Errorf("run twice: %v", err)
		}
		if err := m.Close(); err != nil { // while it runs
			t.Error(err)
		}
		<-m.Done()
		if err := m.Close(); err != nil {
			t.Errorf("closed twice: %v", err)
		}
		if err := m.Run(t.Context()); !errors.Is(err, ErrClosed) {
			t.Errorf("run after its end: %v", err)
		}
		if _, err := m.Lookup(t.Context(), "gotham"); !errors.Is(err, ErrClosed) {
			t.Errorf("lookup after its end: %v", err)
		}
		if err := m.Call(t.Context(), "gotham", func(*protocol.Client) error { return nil }); !errors.Is(err, ErrClosed) {
			t.Errorf("call after its end: %v", err)
		}
		if _, err := m.Status(t.Context()); !errors.Is(err, ErrClosed) {
			t.Errorf("status after its end: %v", err)
		}
		if err := m.AwaitReady(t.Context()); err != nil {
			t.Errorf("it was ready: %v", err)
		}
		unrun, err := New(net.config(quiet("star")))
		if err != nil {
			t.Fatal(err)
		}
		if err := unrun.Close(); err != nil {
			t.Error(err)
		}
		if err := unrun.Run(t.Context()); !errors.Is(err, ErrClosed) {
			t.Errorf("run after close: %v", err)
		}
		if err := unrun.AwaitReady(t.Context()); !errors.Is(err, ErrClosed) {
			t.Errorf("never ready: %v", err)
		}
	})
}

func TestAReadinessThatNeverComesIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		first := net.start(t, quiet("gotham"))
		awaitReady(t, first)
		second := net.start(t, quiet("gotham"), first)
		err := second.AwaitReady(t.Context())
		if taken, ok := errors.AsType[*NameTakenError](err); !ok || taken.Holder.ID != first.Peer() {
			t.Errorf("%v, want that the name is taken", err)
		}
	})
}
