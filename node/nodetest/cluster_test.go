package nodetest

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/node"
	"github.com/citynode/citynode/protocol"
)

// kinds are the clusters that there are, each in a place where it works.
var kinds = map[string]func(t *testing.T, do func(t *testing.T, c *Cluster)){
	"mocknet in a bubble": func(t *testing.T, do func(*testing.T, *Cluster)) {
		synctest.Test(t, func(t *testing.T) { do(t, New(t)) })
	},
	"mocknet outside of a bubble": func(t *testing.T, do func(*testing.T, *Cluster)) { do(t, New(t)) },
	"QUIC in a bubble": func(t *testing.T, do func(*testing.T, *Cluster)) {
		synctest.Test(t, func(t *testing.T) { do(t, NewQUIC(t)) })
	},
}

// ofEachKind runs a test on a cluster of each kind.
func ofEachKind(t *testing.T, do func(t *testing.T, c *Cluster)) {
	t.Helper()
	for name, in := range kinds {
		t.Run(name, func(t *testing.T) { in(t, do) })
	}
}

// create makes a hero in a city, under an id that only this number has.
func create(t *testing.T, n *node.Node, number byte) crdt.ID {
	t.Helper()
	id := crdt.ID{number}
	err := n.Call(context.Background(), n.City().Name(), func(c *protocol.Client) error {
		_, err := c.Create(context.Background(), id, protocol.CreateRequest{Name: "Batman", Here: true})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestCitiesConvergeAndHealAfterACut(t *testing.T) {
	ofEachKind(t, func(t *testing.T, c *Cluster) {
		gotham, metropolis, star := c.Start(Quiet("gotham")), c.Start(Quiet("metropolis")), c.Start(Quiet("star"))
		c.AwaitReady()
		c.AwaitAlive()
		create(t, gotham, 1)
		c.AwaitEqual()

		c.Cut(gotham)
		create(t, gotham, 2)
		create(t, metropolis, 3)
		c.AwaitEqual(metropolis, star)
		if one, _ := summaryOf(gotham); one.Heroes != 2 {
			t.Errorf("gotham has %d heroes behind the cut, want 2", one.Heroes)
		}
		c.Heal()
		c.AwaitEqual(gotham, metropolis, star)
		if all, _ := summaryOf(star); all.Heroes != 3 {
			t.Errorf("star has %d heroes after the heal, want 3", all.Heroes)
		}
	})
}

func TestANodeThatIsClosedComesBackUnderItsKey(t *testing.T) {
	ofEachKind(t, func(t *testing.T, c *Cluster) {
		key, _, err := crypto.GenerateEd25519Key(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		cfg := Quiet("gotham")
		cfg.Identity = key
		gotham, metropolis := c.Start(cfg), c.Start(Quiet("metropolis"))
		c.AwaitReady()
		c.AwaitAlive()
		create(t, gotham, 1)
		c.AwaitEqual()
		if err := gotham.Close(); err != nil {
			t.Error(err)
		}
		if err := c.Wait(gotham); err != nil {
			t.Errorf("gotham ended with %v", err)
		}
		again := c.Start(cfg)
		if again.Peer() != gotham.Peer() {
			t.Errorf("gotham came back as %s, it was %s", again.Peer(), gotham.Peer())
		}
		c.AwaitReady(again)
		c.AwaitEqual(again, metropolis)
	})
}

func TestANodeThatIsStartedDuringACutStaysOnTheOthersSide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(t)
		gotham, metropolis := c.Start(Quiet("gotham")), c.Start(Quiet("metropolis"))
		c.AwaitReady()
		c.Cut(gotham)
		star := c.Start(Quiet("star"))
		c.AwaitReady(star)
		create(t, gotham, 1)
		time.Sleep(time.Minute)
		for _, n := range []*node.Node{metropolis, star} {
			if s, _ := summaryOf(n); s.Heroes != 0 {
				t.Errorf("%s knows of %d heroes behind the cut", n.City().Name(), s.Heroes)
			}
		}
		c.Heal()
		c.AwaitEqual()
	})
}

func TestADurableCityKeepsItsHeroes(t *testing.T) {
	c := New(t)
	cfg := Quiet("gotham")
	cfg.DataDir = t.TempDir()
	gotham := c.Start(cfg)
	c.AwaitReady()
	create(t, gotham, 1)
	if err := gotham.Close(); err != nil {
		t.Fatal(err)
	}
	again := c.Start(cfg)
	c.AwaitReady()
	if s, _ := summaryOf(again); s.Heroes != 1 {
		t.Errorf("%d heroes after a restart, want 1", s.Heroes)
	}
}

// recorder is a test that notes its failures in place of failing.
type recorder struct {
	testing.TB
	faults []string
}

func (r *recorder) Helper()                   {}
func (r *recorder) Errorf(f string, _ ...any) { r.faults = append(r.faults, f) }
func (r *recorder) Fatalf(f string, _ ...any) { r.faults = append(r.faults, f); panic(r) }

func TestANodeThatFailsFailsTheTest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{TB: t}
		c := New(t)
		c.t = r
		c.Start(Quiet("gotham"))
		c.AwaitReady()
		taken := c.Start(Quiet("gotham"))
		<-taken.Done()
		time.Sleep(time.Second)
		c.close()
		if len(r.faults) != 1 {
			t.Errorf("the faults are %q, want one", r.faults)
		}
		if _, ok := errors.AsType[*node.NameTakenError](c.Wait(taken)); !ok {
			t.Error("the error is not that of a name that is taken")
		}
		r.faults = nil
		c.close()
		if len(r.faults) != 0 {
			t.Errorf("an error that was taken is told again: %q", r.faults)
		}
	})
}

func TestWhatReachesBeyondTheTestIsRefused(t *testing.T) {
	c := New(t)
	for want, change := range map[string]func(*node.Config){
		"MDNS":      func(cfg *node.Config) { cfg.MDNS = true },
		"NewHost":   func(cfg *node.Config) { cfg.NewHost = c.NewHost },
		"Listen":    func(cfg *node.Config) { cfg.Listen = []ma.Multiaddr{ma.StringCast("/ip4/127.0.0.1/tcp/0")} },
		"Bootstrap": func(cfg *node.Config) { cfg.Bootstrap = []ma.Multiaddr{ma.StringCast("/dnsaddr/example.org")} },
	} {
		cfg := node.Config{City: city.Config{Name: "gotham"}}
		change(&cfg)
		if got := outward(cfg); !strings.Contains(got, want) {
			t.Errorf("%s is refused as %q", want, got)
		}
	}
}
