package node

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/protocol"
)

// A liar says to each caller that it is the city of the caller's name, since long ago, as
// soon as it has learned the name in any way.
type liar struct {
	*stranger
	mu      sync.Mutex // guards learned
	learned map[peer.ID]string
}

// newLiar returns a liar that listens to presences and calls until the test ends.
func newLiar(t *testing.T, w world) *liar {
	t.Helper()
	l := &liar{stranger: newStranger(t, w), learned: map[peer.ID]string{}}
	l.answers("", l.lie)
	l.respondsToSync(resets)
	return l
}

// learn notes a caller's name and returns what the liar says to that caller.
func (l *liar) learn(of peer.ID, name string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if name != "" {
		l.learned[of] = name
	}
	if said := l.learned[of]; said != "" {
		return said
	}
	return "innocent"
}

// knows returns how many names it has learned.
func (l *liar) knows() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.learned)
}

// lie answers a call.
func (l *liar) lie(_ context.Context, call *protocol.Call) (any, error) {
	caller, now := peer.ID(call.Caller), crdt.StampAt(time.Now())
	switch call.Request.Method {
	case protocol.MethodInfo:
		return protocol.InfoReply{
			Network: protocol.DefaultNetwork, City: l.learn(caller, call.Request.City), Software: "liar",
			Since: 1, Incarnation: 1, Now: now,
		}, nil
	case protocol.MethodLookup:
		var r protocol.LookupRequest
		if err := call.Decode(&r); err != nil {
			return nil, err
		}
		l.learn(caller, r.City)
		return protocol.LookupReply{Peer: []byte(l.ID()), Addrs: [][]byte{}}, nil
	case protocol.MethodCities:
		said := protocol.Presence{City: l.learn(caller, ""), Since: 1, Incarnation: 1, Software: "liar", Sent: now}
		return protocol.CitiesReply{Cities: []protocol.CityLine{{Presence: said, Peer: []byte(l.ID()), Status: protocol.StatusAlive}}}, nil
	}
	return nil, protocol.Errorf(protocol.NotFound, "nothing here")
}

// overhears has the liar learn the names of presences, until the test ends.
func (l *liar) overhears(t *testing.T) {
	t.Helper()
	_, presences := l.gossips(t)
	sub, err := presences.Subscribe()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	t.Cleanup(func() { cancel(); <-ended })
	go func() {
		defer close(ended)
		for {
			m, err := sub.Next(ctx)
			if err != nil {
				return
			}
			var news protocol.Presence
			if protocol.UnmarshalLenient(m.Data, &news) == nil && m.GetFrom() != l.ID() {
				l.learn(m.GetFrom(), news.City)
			}
		}
	}()
}

func TestALyingBootstrapNeighbourStopsNoFirstStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		l := newLiar(t, net)
		const starts = 20
		went := 0
		for n := range starts {
			cfg := net.config(quiet(fmt.Sprintf("city-%d", n)))
			addrs, err := peer.AddrInfoToP2pAddrs(&peer.AddrInfo{ID: l.ID(), Addrs: l.Addrs()})
			if err != nil {
				t.Fatal(err)
			}
			cfg.Bootstrap = addrs
			m := start(t, cfg)
			if n == 0 {
				l.overhears(t)
			}
			if err := m.AwaitReady(t.Context()); err != nil {
				t.Errorf("start %d: %v", n, err)
			} else {
				went++
			}
			time.Sleep(5 * time.Second)
			m.leave(t)
		}
		t.Logf("%d of %d first starts went on beside a neighbour that claims each name which it learns; it learned %d", went, starts, l.knows())
		if l.knows() < starts/2 {
			t.Errorf("the liar has learned %d names, so it proves little", l.knows())
		}
	})
}

func TestALiarThatLearnsANameLaterMakesItContestedAndNoMore(t *testing.T) {
	for fact, isTrusted := range map[string]bool{"among strangers": false, "on a trusted network": true} {
		t.Run(fact, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				net := newMockNet(t)
				cfg := trusted(t, "gotham")
				cfg.Trusted = isTrusted
				gotham := net.start(t, cfg)
				awaitReady(t, gotham)
				l := newLiar(t, net)
				l.meets(t, gotham)
				l.overhears(t)
				l.learn(gotham.Peer(), "gotham")
				if _, err := gotham.members.Identify(t.Context(), l.ID()); err != nil {
					t.Fatal(err)
				}
				eventually(t, "the name is contested", func() bool { return len(gotham.status(t).Contested) == 1 })
				time.Sleep(time.Minute)
				select {
				case <-gotham.ended:
					t.Errorf("the city was made to stop: %v", gotham.err)
				default:
					gotham.create(t, "Batman")
				}
				if got := gotham.status(t).Contests; got == 0 {
					t.Error("no contest is counted")
				}
			})
		})
	}
}

func TestAHolderThatOnlyTheDHTKnowsDoesNotStopAStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		metropolis := net.start(t, quiet("metropolis"))
		awaitReady(t, metropolis)
		far, holder := newStranger(t, net), newStranger(t, net) // far is no city, and has a DHT
		far.meets(t, metropolis)
		far.provides(t, "elsewhere")
		holder.provides(t, "gotham")
		if err := holder.Connect(t.Context(), peer.AddrInfo{ID: far.ID(), Addrs: far.Addrs()}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		holder.claims("gotham")
		holder.RemoveStreamHandler(libp2pprotocol.ID(protocol.SyncID(protocol.DefaultNetwork))) // so that nobody takes it for a neighbour
		if known := metropolis.directory.Named("gotham"); len(known) != 0 {
			t.Fatalf("metropolis knows %+v", known)
		}
		gotham := net.start(t, quiet("gotham"), metropolis)
		awaitReady(t, gotham)
		eventually(t, "the name is contested", func() bool {
			contested := gotham.status(t).Contested
			return len(contested) == 1 && contested[0] == holder.ID()
		})
	})
}

func TestAHolderThatIsHeardBeforeANameIsTakenKeepsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		metropolis := net.start(t, quiet("metropolis"))
		awaitReady(t, metropolis)
		holder := newStranger(t, net)
		holder.meets(t, metropolis)
		_, presences := holder.gossips(t)
		second := prepare(t, net.config(quiet("gotham"), metropolis))
		// The neighbour must not know the holder, and have come too late to have heard all.
		metropolis.directory.Forget(holder.ID())
		holder.claims("gotham")
		second.run(t)
		for range 20 {
			now := crdt.StampAt(time.Now())
			said, err := protocol.Marshal(protocol.Presence{City: "gotham", Since: 1, Incarnation: now, Sent: now, Software: "stranger"})
			if err != nil {
				t.Fatal(err)
			}
			publish(t, presences, said)
			time.Sleep(100 * time.Millisecond)
		}
		select {
		case <-second.ended:
		case <-time.After(waitMax):
			t.Fatal("it goes on")
		}
		if taken, ok := asNameTaken(second.err); !ok || taken.Holder.ID != holder.ID() {
			t.Errorf("ended with %v", second.err)
		}
	})
}
