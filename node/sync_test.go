package node

import (
	"context"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/network"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/reconcile"
	"github.com/citynode/citynode/protocol"
)

// bait is a replica that claims to hold what it never gives in full.
type bait struct{ first crdt.Hero }

func (bait) Hello(context.Context) (reconcile.Hello, error) {
	return reconcile.Hello{Incarnation: 1, Summary: crdt.Summary{Heroes: 1000}, Now: crdt.StampAt(time.Now())}, nil
}

func (b bait) Page(_ context.Context, at crdt.Cursor) (crdt.Entries, crdt.Cursor, bool, error) {
	return crdt.Entries{Heroes: []crdt.Hero{b.first}}, at + 1, true, nil
}

func (bait) Merge(context.Context, crdt.Entries) (reconcile.Merged, error) {
	return reconcile.Merged{}, nil
}

// answersOnly answers a sync as it should, but only so many messages, and then
// does something else.
func answersOnly(messages int, then func(network.Stream)) func(network.Stream) {
	return func(s network.Stream) {
		session := reconcile.NewResponder(bait{aHero(newID(), 50).Hero})
		x := newExchange(s)
		for range messages {
			in, err := x.receive()
			if err != nil {
				break
			}
			out, _, err := session.Step(context.Background(), in)
			if err != nil || x.send(out) != nil {
				break
			}
		}
		then(s)
	}
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
		"says that all agree":         says("\x05\xa2\x01\x09\x05\x01"),
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
					eventually(t, "it knows the hostile one", func() bool { return len(c.directory.alive()) == 2 })
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
				e, _ := cities[0].directory.get(hostile.ID())
				if e.agreed != 0 {
					t.Errorf("a sync with it counts as complete: %v", e.agreed)
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
		session := reconcile.NewInitiator(bait{aHero(newID(), 50).Hero})
		hello, err := session.Begin(context.Background())
		if err == nil {
			_ = newExchange(s).send(hello)
		}
		return session
	}
	for fact, row := range map[string]struct {
		do   func(network.Stream)
		ends time.Duration // by when the city has ended the stream
	}{
		"garbage":                  {func(s network.Stream) { _, _ = s.Write([]byte("\x03\xff\xff\xff")) }, time.Second},
		"a huge length":            {func(s network.Stream) { _, _ = s.Write([]byte("\xff\xff\xff\x7f")) }, time.Second},
		"a pull before any hello":  {func(s network.Stream) { _, _ = s.Write([]byte("\x05\xa2\x01\x04\x03\x00")) }, time.Second},
		"two hellos":               {func(s network.Stream) { begin(s); begin(s) }, time.Second},
		"nothing after its hello":  {func(s network.Stream) { begin(s) }, syncStall + time.Second},
		"nothing at all":           {func(s network.Stream) { _, _ = s.Write(nil) }, syncStall + time.Second},
		"half a frame":             {func(s network.Stream) { _, _ = s.Write([]byte("\x80\x02\xa2")) }, syncStall + time.Second},
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
				eventually(t, "gotham knows it", func() bool { return len(gotham.directory.alive()) == 1 })
				stream := hostile.syncStream(t, gotham)
				begun := time.Now()
				row.do(stream)
				_, _ = io.Copy(io.Discard, stream) // until the city ends it
				if took := time.Since(begun); took > row.ends {
					t.Errorf("ended after %v, want %v at most", took, row.ends)
				}
				if e, _ := gotham.directory.get(hostile.ID()); e.agreed != 0 {
					t.Errorf("it counts as a complete sync: %v", e.agreed)
				}
				expectServing(t, gotham, hostile)
				star := net.start(t, quiet("star"), gotham)
				awaitReady(t, star)
				awaitEqual(t, gotham, star)
			})
		})
	}
}
