package node

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/protocol"
)

// poison panics the first few times that it is called.
type poison struct{ left atomic.Int32 }

func newPoison(times int32) *poison {
	p := new(poison)
	p.left.Store(times)
	return p
}

func (p *poison) take() {
	if p.left.Add(-1) >= 0 {
		panic("poisoned")
	}
}

// crashes has a panic in a callback crash the part that called it.
func crashes(callback func()) { callback() }

func TestAPanicRestartsThePartItHappensInAndNoOther(t *testing.T) {
	for part, poisoned := range map[string]func(*Events, *poison){
		childCity: func(e *Events, p *poison) { e.Changed = func(city.SourcedChange) { p.take() } },
		childAntiEntropy: func(e *Events, p *poison) {
			told := e.Synced
			e.Synced = func(s SyncEvent) { p.take(); told(s) }
		},
		childPresence: func(e *Events, p *poison) {
			told := e.City
			e.City = func(c CityEvent) { p.take(); told(c) }
		},
	} {
		t.Run(part, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				net := newMockNet(t)
				cfg := quiet("metropolis")
				cfg.SyncEvery = time.Hour // what it begins would be the other's streams' affair
				metropolis := net.start(t, cfg)
				awaitReady(t, metropolis)
				m := prepare(t, net.config(quiet("gotham"), metropolis))
				deadly := newPoison(0)
				poisoned(&m.cfg.Events, deadly)
				m.cfg.Events.call = crashes
				m.run(t)
				awaitReady(t, m)
				awaitAlive(t, metropolis, m)
				time.Sleep(time.Minute)
				deadly.left.Store(1)
				switch part {
				case childCity:
					metropolis.create(t, "Superman")
				case childPresence:
					net.start(t, quiet("star"), metropolis)
				}
				eventually(t, part+" crashes", func() bool { return m.crashed(part) == 1 })
				time.Sleep(time.Minute)
				m.mu.Lock()
				crashed := strings.Join(m.crashes, " ")
				m.mu.Unlock()
				if crashed != part {
					t.Errorf("crashed: %s", crashed)
				}
				if e, _ := metropolis.directory.Get(m.Peer()); e.Status != Alive {
					t.Errorf("the other city takes it for %s", e.Status)
				}
				hero := m.create(t, "Batman")
				awaitEqual(t, metropolis, m)
				if metropolis.record(t, hero.ID).Hero != hero {
					t.Error("what it does after the crash does not spread")
				}
			})
		})
	}
}

func TestAPanicInALookupIsOneOfItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		metropolis := net.start(t, quiet("metropolis"))
		m := prepare(t, net.config(quiet("gotham"), metropolis))
		deadly := newPoison(0)
		m.cfg.Events.City = func(CityEvent) { deadly.take() }
		m.cfg.Events.call = crashes
		m.run(t)
		awaitReady(t, m)
		awaitAlive(t, metropolis, m)
		time.Sleep(10 * time.Second) // the name is provided
		for _, forget := range []func(){
			m.forgetCities, // so that it is asked as a candidate of the DHT
			func() { m.lose(metropolis) },
		} {
			forget()
			deadly.left.Store(1)
			func() {
				defer func() {
					if recover() == nil {
						t.Error("the panic is lost")
					}
				}()
				_, _ = m.Lookup(t.Context(), "metropolis")
			}()
		}
		if found, err := m.Lookup(t.Context(), "metropolis"); err != nil || found.ID != metropolis.Peer() {
			t.Errorf("found %v, %v", found, err)
		}
	})
}

func TestMoreThanThreeCrashesInFiveSecondsEndTheNode(t *testing.T) {
	for fact, row := range map[string]struct {
		pause    time.Duration
		crashes  int32
		survives bool
	}{
		"four at once":                {0, 4, false},
		"three at once":               {0, 3, true},
		"many, two seconds apart":     {2 * time.Second, 12, true},
		"more than one in 1.2 second": {1200 * time.Millisecond, 12, false},
	} {
		t.Run(fact, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := prepare(t, newMockNet(t).config(quiet("gotham")))
				deadly := newPoison(row.crashes)
				m.cfg.Events.Changed = func(city.SourcedChange) { deadly.take() }
				m.cfg.Events.call = crashes
				m.run(t)
				awaitReady(t, m)
				survives := func() bool { // an order, which is answered before the change is told
					_, err := m.city.Do(t.Context(), city.Create{Caller: orderer(newID()), HeroName: "Batman"})
					synctest.Wait()
					return err == nil && deadly.left.Load() < 0
				}
				ended := func() bool {
					select {
					case <-m.ended:
						return true
					default:
						return false
					}
				}
				eventually(t, "it ends, or survives", func() bool {
					if ended() || survives() {
						return true
					}
					time.Sleep(row.pause)
					return false
				})
				time.Sleep(time.Second)
				if ended() == row.survives {
					t.Fatalf("ended %t, with %v", ended(), m.err)
				}
				if !row.survives && (!errors.Is(m.err, ErrGaveUp) || m.crashed(childCity) != 4) {
					t.Errorf("after %d crashes it ended with %v", m.crashed(childCity), m.err)
				}
				if row.survives && m.status(t).Restarts != int(row.crashes) {
					t.Errorf("%d restarts, want %d", m.status(t).Restarts, row.crashes)
				}
			})
		})
	}
}

func TestABombEndsWhatWasBegunAndLosesAllWithoutNeighbours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gotham := newMockNet(t).start(t, quiet("gotham"))
		awaitReady(t, gotham)
		hero := gotham.create(t, "Batman")
		inc, err := gotham.city.Current()
		if err != nil {
			t.Fatal(err)
		}
		watcher, _, err := inc.Watch(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		gotham.bomb(t)
		if _, err := watcher.Next(t.Context()); city.ReasonOf(err) != city.Unavailable {
			t.Errorf("a watch of the old incarnation: %v", err)
		}
		eventually(t, "it is open again", func() bool {
			_, err := gotham.city.Do(t.Context(), city.Assign{Caller: orderer(newID()), Hero: hero.ID})
			return city.ReasonOf(err) == city.NotFound
		})
	})
}

// The tests below use real sockets, on loopback alone, and no bubble; that
// nothing outlives the nodes is seen by TestMain.

func TestANodeThatIsNotRunEndsWithClose(t *testing.T) {
	n, err := New(quiet("gotham"))
	if err != nil {
		t.Fatal(err)
	}
	if len(n.Addrs()) == 0 {
		t.Error("it does not listen")
	}
	for range 2 {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestANodeThatIsStoppedAtOnceEnds(t *testing.T) {
	n, err := New(quiet("gotham"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	within(t, waitMax, "ending", func() {
		if err := n.Run(ctx); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("ended with %v", err)
		}
	})
}

func TestAnAddressThatIsTakenIsAListenError(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close() //nolint:errcheck // ending anyway
	_, port, err := net.SplitHostPort(taken.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	cfg := quiet("gotham")
	cfg.Listen = []ma.Multiaddr{ma.StringCast("/ip4/127.0.0.1/tcp/" + port)}
	if _, err := New(cfg); !errors.Is(err, ErrListen) || !strings.Contains(err.Error(), port) {
		t.Errorf("got %v, want that it cannot listen on port %s", err, port)
	}
}

func TestAPortThatAnotherCityHasIsAListenError(t *testing.T) {
	cfg := quiet("gotham")
	cfg.Listen = []ma.Multiaddr{ma.StringCast("/ip4/127.0.0.1/tcp/0")}
	first, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close() //nolint:errcheck // ending anyway
	cfg = quiet("metropolis")
	cfg.Listen = first.host.Network().ListenAddresses()
	second, err := New(cfg)
	if !errors.Is(err, ErrListen) {
		t.Errorf("got %v, want that it cannot listen on %v", err, cfg.Listen)
	}
	if err == nil {
		_ = second.Close()
	}
}

func TestAConfigThatCannotBeUsedIsRefusedByField(t *testing.T) {
	for want, change := range map[string]func(*Config){
		"name":          func(c *Config) { c.City.Name = "Gotham City" },
		"network":       func(c *Config) { c.Network = "no label" },
		"Software":      func(c *Config) { c.Software = strings.Repeat("x", protocol.SoftwareBytesMax+1) },
		"PresenceEvery": func(c *Config) { c.PresenceEvery = -1 },
		"DamageMin":     func(c *Config) { c.City.DamageMin = 101 },
		"bootstrap":     func(c *Config) { c.Bootstrap = []ma.Multiaddr{ma.StringCast("/ip4/127.0.0.1/tcp/1")} },
	} {
		cfg := quiet("gotham")
		change(&cfg)
		n, err := New(cfg)
		if err == nil {
			_ = n.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s named", err, want)
		}
	}
}

func TestTwoNodesOnLoopbackFindCallAndSync(t *testing.T) {
	gotham := start(t, quiet("gotham"))
	cfg := quiet("metropolis")
	cfg.Bootstrap = gotham.Addrs()
	metropolis := start(t, cfg)
	awaitReady(t, gotham, metropolis)
	awaitAlive(t, gotham, metropolis)
	gotham.call(t, "metropolis", func(ctx context.Context, c *protocol.Client) error {
		_, err := c.Create(ctx, newID(), protocol.CreateRequest{Name: "Superman", Here: true})
		return err
	})
	gotham.create(t, "Batman")
	awaitEqual(t, gotham, metropolis)
	if got := gotham.summary(); got.Heroes != 2 {
		t.Errorf("%d heroes, want 2", got.Heroes)
	}
	metropolis.leave(t)
	awaitStatus(t, metropolis, Left, gotham)
}
