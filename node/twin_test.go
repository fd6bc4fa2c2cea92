package node

import (
	"context"
	"errors"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/store"
	"github.com/citynode/citynode/protocol"
)

// noticeMax is how soon one of two processes with one key has stopped.
const noticeMax = 10 * time.Second

// twinOf is the configuration of a city with that key, as in a copy of its folder.
func twinOf(cfg Config) Config {
	return Config{City: cfg.City, Identity: cfg.Identity, Now: cfg.Now, store: cfg.store}
}

// startWithKey starts gotham with a key that is in the configuration, for a twin to have it.
func startWithKey(t *testing.T, net *simNet) (cfg Config, m *member) {
	t.Helper()
	cfg = quiet("gotham")
	cfg.Identity = newKey(t)
	m = net.start(t, cfg)
	awaitReady(t, m)
	return cfg, m
}

// expectTwinStopped waits until the member has stopped in favour of the other process.
func expectTwinStopped(t *testing.T, m, other *member, within time.Duration) {
	t.Helper()
	select {
	case <-m.ended:
	case <-other.ended:
		t.Fatalf("the one that started first has ended: %v", other.err)
	case <-time.After(within):
		t.Fatalf("both run after %v", within)
	}
	twin, ok := errors.AsType[*TwinError](m.err)
	if !ok || twin.Name != m.cfg.City.Name || twin.Peer != other.Peer() || twin.Addr == nil {
		t.Errorf("ended with %v, want that another process has the key", m.err)
	}
	select {
	case <-other.ended:
		t.Errorf("both have stopped: %v", other.err)
	default:
	}
}

func TestOfTwoProcessesWithOneKeyTheLaterStopsAndNothingIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newSimNet(t)
		cfg := quiet("gotham")
		cfg.Identity = newKey(t)
		metropolis := net.start(t, quiet("metropolis"))
		first := net.start(t, cfg, metropolis)
		awaitReady(t, metropolis, first)
		awaitAlive(t, metropolis, first)
		here := first.create(t, "Batman")
		second := prepare(t, func() Config { c := twinOf(cfg); c.NewHost = net.host; return c }()) // knows nobody yet
		second.run(t)
		awaitReady(t, second)
		there := second.create(t, "Robin")
		grave := second.create(t, "Jason")
		second.do(t, city.Retire{Caller: orderer(newID()), Hero: grave.ID})
		begun := time.Now()
		if err := second.host.Connect(t.Context(), peer.AddrInfo{ID: metropolis.Peer(), Addrs: metropolis.host.Addrs()}); err != nil {
			t.Fatal(err)
		}
		expectTwinStopped(t, second, first, noticeMax)
		t.Logf("the later has stopped after %v", time.Since(begun))
		for _, hero := range []crdt.ID{here.ID, there.ID} {
			if got := first.record(t, hero); got.Kind != crdt.KindHero {
				t.Errorf("the one that goes on has %+v of hero %s", got, hero)
			}
		}
		if got := first.record(t, grave.ID); got.Kind != crdt.KindTombstone {
			t.Errorf("the one that goes on has %+v of the dead", got)
		}
		eventually(t, "the neighbour takes the one that goes on for the city", func() bool {
			e, _ := metropolis.directory.Get(first.Peer())
			return e.Status == Alive && e.Presence.Incarnation == first.facts.Incarnation()
		})
		awaitEqual(t, metropolis, first)
	})
}

func TestTheInstanceDecidesAndNotTheIncarnation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newSimNet(t)
		var place store.Memory
		cfg := stored(t, &place, quiet("gotham")) // a restored backup counts on from its own incarnation
		cfg.Identity = newKey(t)
		first := net.start(t, cfg)
		awaitReady(t, first)
		for range 3 {
			first.bomb(t)
			awaitReady(t, first)
			time.Sleep(2 * time.Second)
		}
		backup := quiet("gotham")
		backup.Identity, backup.Now = cfg.Identity, aheadBy(-time.Minute) // its clock makes it the elder
		second := net.start(t, backup, first)
		expectTwinStopped(t, first, second, noticeMax)
	})
}

func TestWhatOnlyTheOneThatStopsHoldsGoesToTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newSimNet(t)
		cfg, first := startWithKey(t, net)
		time.Sleep(time.Second)             // else chance decides which started later
		second := net.start(t, twinOf(cfg)) // neither has a neighbour
		awaitReady(t, second)
		hero, grave := second.create(t, "Robin"), second.create(t, "Jason")
		second.do(t, city.Retire{Caller: orderer(newID()), Hero: grave.ID})
		second.twins.Hint(first.host.Addrs()...)
		expectTwinStopped(t, second, first, noticeMax)
		if alive, dead := first.record(t, hero.ID), first.record(t, grave.ID); alive.Kind != crdt.KindHero || dead.Kind != crdt.KindTombstone {
			t.Errorf("the one that goes on has %+v and %+v", alive, dead)
		}
	})
}

func TestATwinIsFoundByWhoReachesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newSimNet(t)
		cfg, first := startWithKey(t, net)
		time.Sleep(time.Second) // else chance decides which started later
		// The list of all cities names this one too.
		second := net.start(t, twinOf(cfg), first)
		expectTwinStopped(t, second, first, noticeMax)
	})
}

func TestWhatOthersSayOfATwinStopsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newSimNet(t)
		_, gotham := startWithKey(t, net)
		liar := newStranger(t, net)
		older := protocol.Instance{Started: 1}
		liar.answers("", func(_ context.Context, call *protocol.Call) (any, error) {
			if call.Request.Method == protocol.MethodLookup { // that the own key is at the liar
				return protocol.LookupReply{Peer: []byte(gotham.Peer()), Addrs: [][]byte{liar.Addrs()[0].Bytes()}}, nil
			}
			return protocol.InfoReply{
				Network: protocol.DefaultNetwork, City: "gotham", Software: "liar",
				Since: 1, Incarnation: 1, Now: crdt.StampAt(time.Now()), Instance: older,
			}, nil
		})
		liar.respondsToSync(resets)
		liar.meets(t, gotham)
		gotham.twins.Hint(liar.Addrs()...)
		time.Sleep(time.Minute)
		select {
		case <-gotham.ended:
			t.Errorf("it was made to stop: %v", gotham.err)
		default:
			gotham.create(t, "Batman")
		}
	})
}

func TestAProcessThatFindsItselfGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newSimNet(t)
		gotham := net.start(t, quiet("gotham"))
		awaitReady(t, gotham)
		link, err := gotham.twins.Dial(t.Context(), gotham.host.Addrs()[0])
		if err != nil {
			t.Fatal(err)
		}
		if link.Info.Instance != gotham.instance {
			t.Errorf("it answers as %+v, want %+v", link.Info.Instance, gotham.instance)
		}
		_ = link.Close()
		time.Sleep(time.Minute)
		select {
		case <-gotham.ended:
			t.Errorf("it ended: %v", gotham.err)
		default:
		}
	})
}

// Real sockets, on loopback alone.
func TestACopyOfAFolderIsFoundWhereTheCityListenedBefore(t *testing.T) {
	cfg := quiet("gotham")
	cfg.DataDir = t.TempDir()
	start(t, cfg).leave(t)
	copied := t.TempDir()
	if err := os.CopyFS(copied+"/gotham", os.DirFS(cfg.DataDir)); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(copied+"/gotham/identity.key", 0o600); err != nil { // CopyFS does not keep the mode
		t.Fatal(err)
	}
	first := start(t, cfg)
	awaitReady(t, first)
	there := quiet("gotham")
	there.DataDir = copied + "/gotham"
	second := start(t, there)
	expectTwinStopped(t, second, first, noticeMax)
}
