package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"
	mocknet "github.com/libp2p/go-libp2p/p2p/net/mock"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/antientropy"
	"github.com/citynode/citynode/internal/reconcile"
	"github.com/citynode/citynode/protocol"
)

const (
	// feedHeroes is how many heroes the old cities of these tests hold: some 2 MB.
	feedHeroes = 20_000
	// feedLine is what a line carries in a second: the state takes 2 s, in which many
	// random rounds fall.
	feedLine = 1 << 20
	// feedTime is how long one transfer takes, and what begins and ends it.
	feedTime = 4 * time.Second
	// feedMax is how often the state may cross the wire to and from a joiner, with all
	// that goes with it.
	feedMax = 1.05
)

// A syncMeter counts the payload of the sync streams of the host that it makes.
type syncMeter struct {
	newHost func(...libp2p.Option) (host.Host, error)
	bytes   atomic.Int64
}

func (m *syncMeter) host(opts ...libp2p.Option) (host.Host, error) {
	h, err := m.newHost(opts...)
	if err != nil {
		return nil, err
	}
	return meteredHost{h, m}, nil
}

// A meteredHost has the payload of its sync streams counted.
type meteredHost struct {
	host.Host
	meter *syncMeter
}

// NewStream opens a stream that is counted if it is for syncs.
func (h meteredHost) NewStream(ctx context.Context, p peer.ID, ids ...libp2pprotocol.ID) (network.Stream, error) {
	s, err := h.Host.NewStream(ctx, p, ids...)
	if err != nil || s.Protocol() != libp2pprotocol.ID(protocol.SyncID(protocol.DefaultNetwork)) {
		return s, err
	}
	return meteredStream{s, h.meter}, nil
}

// SetStreamHandler has the streams of others counted if they are for syncs.
func (h meteredHost) SetStreamHandler(id libp2pprotocol.ID, serve network.StreamHandler) {
	if id != libp2pprotocol.ID(protocol.SyncID(protocol.DefaultNetwork)) {
		h.Host.SetStreamHandler(id, serve)
		return
	}
	h.Host.SetStreamHandler(id, func(s network.Stream) { serve(meteredStream{s, h.meter}) })
}

// A meteredStream counts what it carries, both ways.
type meteredStream struct {
	network.Stream
	meter *syncMeter
}

func (s meteredStream) Read(p []byte) (int, error) {
	n, err := s.Stream.Read(p)
	s.meter.bytes.Add(int64(n))
	return n, err
}

func (s meteredStream) Write(p []byte) (int, error) {
	n, err := s.Stream.Write(p)
	s.meter.bytes.Add(int64(n))
	return n, err
}

// feedNet is a network on which a joiner meets old cities that hold the same.
type feedNet struct {
	*mockNet
	meter  syncMeter
	old    []*member
	joiner *member
	bytes  int // of the state's canonical encoding
}

func newFeedNet(t *testing.T, old int) *feedNet {
	t.Helper()
	n := &feedNet{mockNet: newMockNet(t)}
	n.SetLinkDefaults(mocknet.LinkOptions{Latency: mockLatency, Bandwidth: feedLine})
	n.meter.newHost = n.host
	var all crdt.Entries
	for i := range feedHeroes {
		h := aHero(newID(), 50).Hero
		h.Name = fmt.Sprint("hero ", i)
		n.bytes += crdt.HeroSize(h)
		all.Heroes = append(all.Heroes, h)
	}
	for _, name := range cityNames(old) {
		m := n.start(t, n.lively(name), n.old...)
		awaitReady(t, m)
		m.do(t, city.Update{Entries: all, Source: city.SourceStore})
		n.old = append(n.old, m)
	}
	awaitAlive(t, n.old...)
	return n
}

// lively is a city with many random rounds.
func (n *feedNet) lively(name string) Config {
	cfg := quiet(name)
	cfg.SyncEvery = 200 * time.Millisecond
	return cfg
}

// join starts the joiner, which is told of these cities.
func (n *feedNet) join(t *testing.T, known ...*member) {
	t.Helper()
	cfg := n.config(n.lively("joiner"), known...)
	cfg.NewHost = n.meter.host
	n.joiner = start(t, cfg)
}

// expectFedOnce waits until the joiner holds all, and fails the test if more crosses the
// wire for it, also after that, than the state itself.
func (n *feedNet) expectFedOnce(t *testing.T, before int64) {
	t.Helper()
	begun := time.Now()
	awaitEqual(t, append(n.old, n.joiner)...)
	took := time.Since(begun)
	time.Sleep(10 * time.Second)
	times := float64(n.meter.bytes.Load()-before) / float64(n.bytes)
	t.Logf("%.3f times the state's bytes, in %v", times, took)
	if times > feedMax {
		t.Errorf("%.3f times the state's bytes crossed the wire, want at most %.2f", times, feedMax)
	}
}

// awaitServer waits until about so many entries have come from one city, and returns it.
func (n *feedNet) awaitServer(t *testing.T, entries uint64) (server peer.ID) {
	t.Helper()
	eventually(t, "somebody serves the joiner", func() bool {
		p := n.joiner.entropy.Joining()
		if p != nil && p.Entries >= entries {
			server = p.Peer
		}
		return server != ""
	})
	return server
}

func TestAJoinerIsGivenTheStateOnce(t *testing.T) {
	for _, old := range []int{1, 2, 3, 5} {
		t.Run(fmt.Sprint("by ", old), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newFeedNet(t, old)
				n.join(t, n.old...)
				n.expectFedOnce(t, 0)
			})
		})
	}
}

func TestABombedCityIsGivenTheStateOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFeedNet(t, 4)
		n.join(t, n.old...)
		awaitEqual(t, append(n.old, n.joiner)...)
		time.Sleep(10 * time.Second)
		before := n.meter.bytes.Load()
		n.joiner.bomb(t)
		n.expectFedOnce(t, before)
	})
}

func TestAnotherTakesOverFromACityThatDiesWhileItServesAJoiner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFeedNet(t, 3)
		n.join(t, n.old...)
		server := n.awaitServer(t, feedHeroes/2)
		i := slices.IndexFunc(n.old, func(m *member) bool { return m.Peer() == server })
		n.vanish(t, n.old[i])
		n.old = slices.Delete(n.old, i, i+1)
		within(t, feedTime+time.Second, "being served by another", func() { awaitEqual(t, append(n.old, n.joiner)...) })
		time.Sleep(10 * time.Second)
		if times := float64(n.meter.bytes.Load()) / float64(n.bytes); times > feedMax+0.6 {
			t.Errorf("%.3f times the state crossed the wire, half of it in vain", times)
		}
	})
}

// feeds gives pages that never end, one after each pause, of a state that is said to be
// so large.
func feeds(claim uint64, pause time.Duration) func(network.Stream) {
	return func(s network.Stream) {
		session := reconcile.NewResponder(boaster{newBait(), claim})
		stream := antientropy.NewStream(s)
		in, err := stream.Receive(antientropy.StallTimeout)
		for err == nil {
			var out reconcile.Message
			out, err = session.Step(context.Background(), in)
			for err == nil && !out.IsZero() {
				if out.Kind() == reconcile.KindPage {
					time.Sleep(pause)
				}
				if err = stream.Send(out); err == nil {
					out, err = session.Next(context.Background())
				}
			}
			if err == nil {
				in, err = stream.Receive(antientropy.StallTimeout)
			}
		}
		_ = s.Reset()
	}
}

// A boaster is a bait that says it holds more.
type boaster struct {
	bait
	heroes uint64
}

func (b boaster) View(ctx context.Context, q reconcile.Query) (reconcile.View, error) {
	v, err := b.bait.View(ctx, q)
	v.Hello.Summary.Heroes = b.heroes
	return v, err
}

func TestOneBadPeerKeepsAJoinerEmptyForABoundedTime(t *testing.T) {
	for fact, row := range map[string]struct {
		serve   func(network.Stream)
		patient time.Duration
	}{
		"stalls":                       {answersOnly(1, stalls), 2 * time.Second},
		"trickles":                     {feeds(1<<30, time.Second), 2 * time.Second},
		"never ends, at a decent pace": {feeds(1<<30, 100*time.Millisecond), time.Minute},
	} {
		t.Run(fact, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				t.Cleanup(func() { time.Sleep(5 * time.Second) }) // until the last page has failed
				n := newFeedNet(t, 2)
				bad := newStranger(t, n.mockNet)
				bad.claims("metropolis")
				bad.respondsToSync(row.serve)
				n.join(t)
				bad.meets(t, n.joiner)
				eventually(t, "the bad one is synced with", func() bool { return bad.syncs.Load() > 0 })
				time.Sleep(100 * time.Millisecond)
				for _, m := range n.old {
					if err := n.joiner.host.Connect(t.Context(), peer.AddrInfo{ID: m.Peer(), Addrs: m.host.Addrs()}); err != nil {
						t.Fatal(err)
					}
				}
				within(t, row.patient+feedTime+time.Second, "being served by others", func() {
					eventually(t, "it holds what they hold", func() bool {
						return n.joiner.summary().Heroes >= feedHeroes
					})
				})
			})
		})
	}
}

// A shelf is a bait whose pages end.
type shelf struct{ bait }

func (s shelf) Page(_ context.Context, at crdt.Cursor) (p reconcile.Page, err error) {
	p.Encoded, p.Entries, p.Next, p.More = s.state.AppendPage(nil, at, city.PageBytesMax)
	return p, nil
}

// syncsWith runs a session with a member, which the stranger begins.
func (s *stranger) syncsWith(t *testing.T, m *member, from reconcile.Replica) (reconcile.Result, error) {
	t.Helper()
	stream := antientropy.NewStream(s.syncStream(t, m))
	defer stream.Close() //nolint:errcheck // whatever it says, the session has ended
	session := reconcile.NewInitiator(from, reconcile.Options{})
	out, err := session.Begin(t.Context())
	for {
		for err == nil && !out.IsZero() {
			if err = stream.Send(out); err == nil {
				out, err = session.Next(t.Context())
			}
		}
		if err != nil || session.Done() {
			return session.Result(), err
		}
		var in reconcile.Message
		if in, err = stream.Receive(antientropy.StallTimeout); err == nil {
			out, err = session.Step(t.Context(), in)
		}
	}
}

func TestAPeerThatCannotBeAskedMaySendItsStateAfterAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		gotham := net.start(t, quiet("gotham"))
		awaitReady(t, gotham)
		shy := newStranger(t, net)
		shy.claims("metropolis") // and resets what syncs others begin
		shy.meets(t, gotham)
		awaitKnown(t, gotham, shy.ID())
		has := shelf{newBait()}
		declined := 0
		for ; ; declined++ {
			result, err := shy.syncsWith(t, gotham, has)
			if err == nil && result.Complete {
				break
			}
			if !errors.Is(err, reconcile.ErrUnavailable) || declined > 5 {
				t.Fatalf("declined %d times, then %v", declined, err)
			}
			time.Sleep(time.Second)
		}
		if declined == 0 || shy.syncs.Load() == 0 {
			t.Errorf("declined %d times, asked %d times", declined, shy.syncs.Load())
		}
		if got := gotham.summary(); got != has.state.Summary() {
			t.Errorf("gotham holds %v", got)
		}
	})
}

func TestALittleIsSyncedWhileAWholeStateComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		t.Cleanup(func() { time.Sleep(2 * time.Second) }) // until the last page has failed
		net := newMockNet(t)
		gotham, star := quiet("gotham"), quiet("star")
		gotham.NoGossip, star.NoGossip = true, true
		cities := []*member{net.start(t, gotham)}
		cities = append(cities, net.start(t, star, cities[0]))
		awaitReady(t, cities...)
		cities[0].create(t, "Batman")
		awaitEqual(t, cities...)
		slow := newStranger(t, net)
		slow.claims("metropolis")
		slow.respondsToSync(feeds(1<<30, 100*time.Millisecond))
		slow.meets(t, cities[0])
		eventually(t, "its state is coming", func() bool { return cities[0].entropy.Joining() != nil })
		for range 3 {
			hero := cities[1].create(t, "Cyborg")
			within(t, healSoon, "a sync with another", func() {
				eventually(t, "gotham has it", func() bool { return cities[0].record(t, hero.ID).Kind == crdt.KindHero })
			})
		}
		if cities[0].entropy.Joining() == nil {
			t.Error("the whole state has come meanwhile")
		}
	})
}
