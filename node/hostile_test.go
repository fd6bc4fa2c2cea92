package node

import (
	"bufio"
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/antientropy"
	"github.com/citynode/citynode/internal/gossip"
	"github.com/citynode/citynode/internal/membership"
	"github.com/citynode/citynode/protocol"
)

// expectServing checks that a city still answers and writes.
func expectServing(t *testing.T, m *member, caller *stranger) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if _, err := caller.client(t, m).Create(ctx, newID(), protocol.CreateRequest{Name: "Batman"}); err != nil {
		t.Errorf("a call after it: %v", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.crashes) > 0 {
		t.Errorf("crashed: %v", m.crashes)
	}
}

func TestGarbageOnACallStreamIsAnsweredAndTheCityLivesOn(t *testing.T) {
	for fact, garbage := range map[string]string{
		"not CBOR":             "\x03\xff\xff\xff",
		"two items":            "\x02\x01\x01",
		"no item":              "\x00",
		"a length too long":    "\x81\x00\xa0",
		"an array":             "\x01\x80",
		"a tag":                "\x02\xc1\x00",
		"a text of a request":  "\x05\x64info",
		"a body of wrong type": "\x1c\xa3\x01\x66create\x02\x50" + "0123456789abcdef" + "\x03\x01",
	} {
		t.Run(fact, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				net := newMockNet(t)
				gotham := net.start(t, quiet("gotham"))
				awaitReady(t, gotham)
				hostile := newStranger(t, net)
				hostile.meets(t, gotham)
				stream := hostile.callStream(t, gotham)
				if _, err := stream.Write([]byte(garbage)); err != nil {
					t.Fatal(err)
				}
				payload, err := protocol.ReadFrame(bufio.NewReader(stream), protocol.FrameBytesMax)
				if err != nil {
					t.Fatalf("not answered: %v", err)
				}
				var answer protocol.Response
				if err := protocol.UnmarshalLenient(payload, &answer); err != nil || answer.Code != protocol.BadRequest {
					t.Errorf("answered %+v, %v", answer, err)
				}
				expectServing(t, gotham, hostile)
			})
		})
	}
}

// gossipers are a city and a stranger that gossips to it.
func gossipers(t *testing.T) (gotham *member, s *stranger, deltas, presences *pubsub.Topic) {
	t.Helper()
	net := newMockNet(t)
	gotham = net.start(t, quiet("gotham"))
	awaitReady(t, gotham)
	s = newStranger(t, net)
	s.meets(t, gotham)
	deltas, presences = s.gossips(t)
	time.Sleep(5 * time.Second) // the mesh is built
	return gotham, s, deltas, presences
}

// delivers publishes a good delta and tells whether the city has taken it.
func delivers(t *testing.T, deltas *pubsub.Topic, m *member) bool {
	t.Helper()
	hero := aHero(newID(), 50)
	publish(t, deltas, crdt.AppendEntries(nil, hero.Entries()))
	time.Sleep(5 * time.Second)
	return m.record(t, hero.Hero.ID).Kind == crdt.KindHero
}

// deltaOf is a delta of so many heroes.
func deltaOf(n int) []byte {
	var e crdt.Entries
	for range n {
		e.Heroes = append(e.Heroes, aHero(newID(), 50).Hero)
	}
	return crdt.AppendEntries(nil, e)
}

// longPresence is a presence that is right but for what makes it too long: a
// key of a later version.
func longPresence(t *testing.T) []byte {
	t.Helper()
	data, err := protocol.Marshal(protocol.Presence{City: "metropolis", Since: 1, Incarnation: 1, Sent: 1, Software: "stranger"})
	if err != nil {
		t.Fatal(err)
	}
	data[0]++ // one pair more in the map
	data = append(data, 0x18, 0x63, 0x59, membership.PresenceBytesMax>>8, membership.PresenceBytesMax&0xff)
	return append(data, make([]byte, membership.PresenceBytesMax)...)
}

func TestWhatNoCorrectProgramGossipsSilencesItsSender(t *testing.T) {
	toDeltas := func(deltas, _ *pubsub.Topic) *pubsub.Topic { return deltas }
	toPresences := func(_, presences *pubsub.Topic) *pubsub.Topic { return presences }
	for fact, row := range map[string]struct {
		topic func(deltas, presences *pubsub.Topic) *pubsub.Topic
		data  []byte
	}{
		"garbage":                 {toDeltas, []byte{0xff}},
		"a delta and a rest":      {toDeltas, append(deltaOf(1), 0xa0)},
		"a delta too long":        {toDeltas, deltaOf(1 + gossip.DeltaBytesMax/crdt.HeroSize(aHero(newID(), 50).Hero))},
		"a presence that is none": {toPresences, []byte{0xa0}},
		"a presence too long":     {toPresences, longPresence(t)},
	} {
		t.Run(fact, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gotham, hostile, deltas, presences := gossipers(t)
				if !delivers(t, deltas, gotham) {
					t.Fatal("a good delta is not taken to begin with")
				}
				before := gotham.summary()
				for range 4 {
					publish(t, row.topic(deltas, presences), row.data)
				}
				time.Sleep(time.Second)
				if got := gotham.summary(); got != before {
					t.Errorf("it was merged: %v", got)
				}
				if delivers(t, deltas, gotham) {
					t.Error("its sender is still listened to")
				}
				expectServing(t, gotham, hostile)
			})
		})
	}
}

func TestAnEmptyDeltaIsIgnoredWithoutBlame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gotham, hostile, deltas, _ := gossipers(t)
		for range 10 {
			publish(t, deltas, crdt.AppendEntries(nil, crdt.Entries{}))
		}
		time.Sleep(time.Second)
		if !delivers(t, deltas, gotham) {
			t.Error("its sender is blamed")
		}
		expectServing(t, gotham, hostile)
	})
}

func TestADeltaThatIsAllFutureIsIgnoredWithoutBlame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gotham, _, deltas, _ := gossipers(t)
		future := func() crdt.Hero {
			hero := aHero(newID(), 50).Hero
			hero.Version.HLC = crdt.StampAt(time.Now().Add(time.Hour))
			return hero
		}
		for range 10 {
			publish(t, deltas, crdt.AppendEntries(nil, crdt.Entries{Heroes: []crdt.Hero{future(), future()}}))
		}
		time.Sleep(time.Second)
		if got := gotham.status(t); got.Summary != (crdt.Summary{}) {
			t.Errorf("it was taken: %+v", got)
		}
		if !delivers(t, deltas, gotham) {
			t.Error("its sender is blamed")
		}
		// Of a delta that is future in part the rest is taken.
		hero := aHero(newID(), 50).Hero
		publish(t, deltas, crdt.AppendEntries(nil, crdt.Entries{Heroes: []crdt.Hero{hero, future()}}))
		time.Sleep(time.Second)
		if s := gotham.status(t); gotham.record(t, hero.ID).Hero != hero || s.Summary.Heroes != 2 || s.FutureSkipped != 1 {
			t.Errorf("of a delta that is future in part: %+v", s)
		}
	})
}

func TestASilentPeerIsEndedByDeadlinesAndHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newSimNet(t) // mocknet has no deadlines
		gotham := net.start(t, quiet("gotham"))
		metropolis := net.start(t, quiet("metropolis"), gotham)
		awaitReady(t, gotham, metropolis)
		awaitAlive(t, gotham, metropolis)
		silent, caller := newStranger(t, net), newStranger(t, net)
		silent.meets(t, gotham)
		caller.meets(t, gotham)
		var streams []network.Stream
		for range 2 * antientropy.RespondersMax { // more than are answered at once, of all peers
			streams = append(streams, silent.syncStream(t, gotham))
		}
		for range 64 {
			streams = append(streams, silent.callStream(t, gotham))
		}
		for _, s := range streams { // the first half of a length
			if _, err := s.Write([]byte{0x80}); err != nil {
				t.Fatal(err)
			}
		}
		begun := time.Now()
		time.Sleep(time.Second)
		expectServing(t, gotham, caller)
		within(t, time.Second, "a sync with somebody else", func() {
			if _, err := metropolis.entropy.Sync(t.Context(), gotham.Peer()); err != nil {
				t.Error(err)
			}
		})
		for _, s := range streams {
			_, _ = io.ReadAll(s) // to its end, whatever that is
		}
		if took := time.Since(begun); took > protocol.FrameTimeout+2*protocol.CloseTimeout {
			t.Errorf("the last stream ended after %v", took)
		}
		expectServing(t, gotham, silent)
	})
}

func TestAPeerHasRoomFor128StreamsAndNotForAnyNumber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newSimNet(t)
		gotham := net.start(t, quiet("gotham"))
		awaitReady(t, gotham)
		greedy, caller := newStranger(t, net), newStranger(t, net)
		greedy.meets(t, gotham)
		caller.meets(t, gotham)
		served := 0
		for range 400 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			stream, err := greedy.NewStream(ctx, gotham.Peer(), libp2pprotocol.ID(protocol.CallID(protocol.DefaultNetwork)))
			if err == nil {
				if _, err = protocol.NewClient(stream).Info(ctx); err == nil {
					served++
				}
			}
			cancel()
		}
		if served < 128 || served > 256 {
			t.Errorf("%d streams are served, want 128 to 256", served)
		}
		expectServing(t, gotham, caller)
		for _, conn := range greedy.Network().Conns() {
			for _, s := range conn.GetStreams() {
				_ = s.Reset()
			}
		}
		time.Sleep(time.Second)
		expectServing(t, gotham, greedy)
	})
}

// spendAll leaves nothing of what a peer's calls may cost.
func (m *member) spendAll(caller peer.ID) {
	for _, bodyBytes := range []int{protocol.FrameBytesMax, 0} {
		call := &protocol.Call{Caller: string(caller), Request: protocol.Request{Body: make([]byte, bodyBytes)}}
		for m.calls.budgets.Spend(call) == nil {
		}
	}
}

func TestAPeerThatCallsTooMuchIsBusyAndOthersAreNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		gotham := net.start(t, quiet("gotham"))
		awaitReady(t, gotham)
		greedy, caller := newStranger(t, net), newStranger(t, net)
		greedy.meets(t, gotham)
		caller.meets(t, gotham)
		c := greedy.client(t, gotham)
		if _, err := c.Info(t.Context()); err != nil {
			t.Fatal(err)
		}
		gotham.spendAll(greedy.ID())
		big := make([]crdt.Hero, 900)
		for i := range big {
			big[i] = aHero(newID(), 50).Hero
		}
		if _, err := c.Update(t.Context(), crdt.Entries{Heroes: big}); !errors.Is(err, protocol.ErrBusy) {
			t.Errorf("beyond its budget: %v", err)
		}
		expectServing(t, gotham, caller)
		time.Sleep(time.Second)
		if _, err := c.Info(t.Context()); err != nil {
			t.Errorf("on the same stream, a second later: %v", err)
		}
	})
}
