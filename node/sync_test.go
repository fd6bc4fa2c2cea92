package node

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/crdt/crdttest"
	"github.com/citynode/citynode/internal/antientropy"
	"github.com/citynode/citynode/internal/reconcile"
	"github.com/citynode/citynode/protocol"
)

// bait is a replica of many heroes, whose pages never end.
type bait struct{ state *crdt.State }

func newBait() bait {
	b := bait{crdt.NewState()}
	for range 1000 {
		b.state.MergeHero(aHero(newID(), 50).Hero)
	}
	return b
}

func (b bait) View(_ context.Context, q reconcile.Query) (reconcile.View, error) {
	return reconcile.View{
		Hello: reconcile.Hello{Incarnation: 1, Summary: b.state.Summary(), Now: crdt.StampAt(time.Now())},
		Cells: b.state.AppendCells(nil, q.Cells),
	}, nil
}

func (b bait) Find(_ context.Context, symbols []uint64) (reconcile.Found, error) {
	found := city.Find(b.state, symbols)
	return reconcile.Found{Entries: found.Entries, Replaced: found.Replaced, Unknown: found.Unknown}, nil
}

func (b bait) Page(_ context.Context, at crdt.Cursor) (reconcile.Page, error) {
	e, _, _ := b.state.Page(0, 200)
	return reconcile.Page{Encoded: crdt.AppendEntries(nil, e), Entries: e.Len(), Next: at + 1, More: true}, nil
}

func (bait) Merge(context.Context, crdt.Entries) (reconcile.Merged, error) {
	return reconcile.Merged{}, nil
}

// answersOnly answers a sync as it should, but only with so many messages, and
// then does something else.
func answersOnly(messages int, then func(network.Stream)) func(network.Stream) {
	return func(s network.Stream) {
		session := reconcile.NewResponder(newBait())
		stream := antientropy.NewStream(s)
		for left := messages; left > 0; {
			in, err := stream.Receive(antientropy.StallTimeout)
			if err != nil {
				break
			}
			out, err := session.Step(context.Background(), in)
			for ; left > 0 && err == nil && !out.IsZero(); left-- {
				if err = stream.Send(out); err == nil {
					out, err = session.Next(context.Background())
				}
			}
			if err != nil {
				break
			}
		}
		then(s)
	}
}

// trickles gives a page a second, each of few heroes, that never end.
func trickles(s network.Stream) {
	session := reconcile.NewResponder(newBait())
	stream := antientropy.NewStream(s)
	in, err := stream.Receive(antientropy.StallTimeout)
	for err == nil {
		var out reconcile.Message
		out, err = session.Step(context.Background(), in)
		for err == nil && !out.IsZero() {
			time.Sleep(time.Second)
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

// stalls keeps a stream open and says nothing until the other side ends it.
func stalls(s network.Stream) {
	_, _ = io.Copy(io.Discard, s)
	_ = s.Reset()
}

// says sends bytes as they are, then nothing more.
func says(bytes string) func(network.Stream) {
	return func(s network.Stream) {
		_, _ = s.Write([]byte(bytes))
		stalls(s)
	}
}

func TestAHostileSyncPeerKeepsNobodyFromConverging(t *testing.T) {
	for fact, respond := range map[string]func(network.Stream){
		"resets at once":              resets,
		"stalls at once":              stalls,
		"stalls after its hello":      answersOnly(1, stalls),
		"stalls after a page":         answersOnly(2, stalls),
		"resets midway":               answersOnly(3, resets),
		"closes midway":               answersOnly(3, func(s network.Stream) { _ = s.Close() }),
		"gives pages that never end":  answersOnly(1<<20, resets),
		"answers with garbage":        says("\x03\xff\xff\xff"),
		"answers with a huge length":  says("\xff\xff\xff\x7f"),
		"says that all agree":         says("\x09\xa4\x01\x0c\x05\x01\x06\x00\x07\x00"),
		"sends garbage after a hello": answersOnly(1, says("\x02\x01\x01")),
		"sends half a frame":          answersOnly(1, says("\x80\x02\xa2")),
	} {
		t.Run(fact, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				net := newSimNet(t) // mocknet has no deadlines
				hostile := newStranger(t, net)
				hostile.claims("metropolis")
				hostile.respondsToSync(respond)
				gotham, star := quiet("gotham"), quiet("star")
				gotham.NoGossip, star.NoGossip = true, true
				cities := []*member{net.start(t, gotham)}
				cities = append(cities, net.start(t, star, cities[0]))
				awaitReady(t, cities...)
				awaitAlive(t, cities...)
				hostile.meets(t, cities...)
				for _, c := range cities {
					eventually(t, "it knows the hostile one", func() bool { return len(c.directory.Alive()) == 2 })
				}
				for range 3 {
					cities[0].create(t, "Batman")
					cities[1].create(t, "Cyborg")
					within(t, healSoon, "a sync with the honest", func() { awaitEqual(t, cities...) })
				}
				cities[0].bomb(t)
				within(t, healSoon, "healing", func() { awaitEqual(t, cities...) })
				if hostile.syncs.Load() == 0 {
					t.Error("nobody tried to sync with it")
				}
				e, _ := cities[0].directory.Get(hostile.ID())
				if e.Agreed != 0 {
					t.Errorf("a sync with it counts as complete: %v", e.Agreed)
				}
				within(t, healSoon, "serving", func() {
					eventually(t, "it serves", func() bool {
						_, err := hostile.client(t, cities[0]).Create(t.Context(), newID(), protocol.CreateRequest{Name: "Batman"})
						return err == nil
					})
				})
				for _, c := range cities {
					if c.crashed(childAntiEntropy)+c.crashed(childStreams) != 0 {
						t.Error("a part crashed")
					}
				}
			})
		})
	}
}

func TestAHostileCallerOfSyncIsEndedAndTheCityGoesOn(t *testing.T) {
	begin := func(s network.Stream) *reconcile.Initiator {
		session := reconcile.NewInitiator(newBait(), reconcile.Options{})
		hello, err := session.Begin(context.Background())
		if err == nil {
			_ = antientropy.NewStream(s).Send(hello)
		}
		return session
	}
	for fact, row := range map[string]struct {
		do   func(network.Stream)
		ends time.Duration // by when the city has ended the stream
	}{
		"garbage":                  {func(s network.Stream) { _, _ = s.Write([]byte("\x03\xff\xff\xff")) }, time.Second},
		"a huge length":            {func(s network.Stream) { _, _ = s.Write([]byte("\xff\xff\xff\x7f")) }, time.Second},
		"a pull before any hello":  {func(s network.Stream) { _, _ = s.Write([]byte("\x05\xa2\x01\x08\x03\x00")) }, time.Second},
		"two hellos":               {func(s network.Stream) { begin(s); begin(s) }, time.Second},
		"nothing after its hello":  {func(s network.Stream) { begin(s) }, antientropy.StallTimeout + time.Second},
		"nothing at all":           {func(s network.Stream) { _, _ = s.Write(nil) }, protocol.IdleTimeout + time.Second},
		"half a frame":             {func(s network.Stream) { _, _ = s.Write([]byte("\x80\x02\xa2")) }, antientropy.StallTimeout + time.Second},
		"a hello and then a reset": {func(s network.Stream) { begin(s); _ = s.Reset() }, time.Second},
	} {
		t.Run(fact, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				net := newSimNet(t)
				gotham := net.start(t, quiet("gotham"))
				awaitReady(t, gotham)
				gotham.create(t, "Batman")
				hostile := newStranger(t, net)
				hostile.claims("metropolis")
				hostile.meets(t, gotham)
				eventually(t, "gotham knows it", func() bool { return len(gotham.directory.Alive()) == 1 })
				stream := hostile.syncStream(t, gotham)
				begun := time.Now()
				row.do(stream)
				_, _ = io.Copy(io.Discard, stream) // until the city ends it
				if took := time.Since(begun); took > row.ends {
					t.Errorf("ended after %v, want %v at most", took, row.ends)
				}
				if e, _ := gotham.directory.Get(hostile.ID()); e.Agreed != 0 {
					t.Errorf("it counts as a complete sync: %v", e.Agreed)
				}
				expectServing(t, gotham, hostile)
				star := net.start(t, quiet("star"), gotham)
				awaitReady(t, star)
				awaitEqual(t, gotham, star)
			})
		})
	}
}

func TestAPeerThatTricklesHoldsNoSessionForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		t.Cleanup(func() { time.Sleep(2 * time.Second) }) // until the last trickle has failed
		net := newSimNet(t)
		gotham := net.start(t, quiet("gotham"))
		awaitReady(t, gotham)
		hostile := newStranger(t, net)
		hostile.claims("metropolis")
		hostile.respondsToSync(trickles)
		hostile.meets(t, gotham)
		eventually(t, "gotham knows it", func() bool { return len(gotham.directory.Alive()) == 1 })
		begun := time.Now()
		_, err := gotham.entropy.Sync(t.Context(), hostile.ID())
		if took := time.Since(begun); !errors.Is(err, antientropy.ErrTooSlow) || took > 2*antientropy.SessionGrace {
			t.Errorf("ended after %v with %v", took, err)
		}
	})
}

func TestCitiesWithEntriesMadeToHaveOneSumFindOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		cities := []*member{net.start(t, quiet("gotham")), net.start(t, quiet("metropolis"))}
		awaitReady(t, cities...)
		one, other := crdttest.SameSum()
		cities[0].do(t, city.Update{Entries: crdt.Entries{Tombstones: one}, Source: city.SourceStore})
		cities[1].do(t, city.Update{Entries: crdt.Entries{Tombstones: other}, Source: city.SourceStore})
		if err := cities[0].host.Connect(t.Context(), peer.AddrInfo{ID: cities[1].Peer(), Addrs: cities[1].host.Addrs()}); err != nil {
			t.Fatal(err)
		}
		awaitAlive(t, cities...)
		if !equal(cities) {
			t.Fatal("their summaries differ")
		}
		time.Sleep(antientropy.AuditEvery + antientropy.AuditEvery/5)
		for _, c := range cities {
			if got, want := c.summary().Tombstones, uint64(len(one)+len(other)); got != want {
				t.Errorf("%s holds %d of %d tombstones", c.cfg.City.Name, got, want)
			}
		}
	})
}
