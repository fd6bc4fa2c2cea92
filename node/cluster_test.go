package node

import (
	"context"
	"fmt"
	"testing"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
)

// waitMax bounds every wait of the tests in real time; none takes a tenth of
// it unless something is broken.
const waitMax = 30 * time.Second

// member is a node that runs in a test.
type member struct {
	*Node
	stop  context.CancelFunc
	ended chan error
}

// startMember runs a node until the test ends.
func startMember(t *testing.T, cfg Config) *member {
	t.Helper()
	n, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	m := &member{Node: n, stop: stop, ended: make(chan error, 1)}
	go func() { m.ended <- n.Run(ctx) }()
	t.Cleanup(func() { m.leave(t) })
	return m
}

// leave stops the node and waits for its end.
func (m *member) leave(t *testing.T) {
	t.Helper()
	m.stop()
	select {
	case err := <-m.ended:
		m.ended <- err
	case <-time.After(waitMax):
		t.Error("node does not stop")
	}
}

// quiet is the configuration of a city on loopback whose ticks are off.
func quiet(name string) Config {
	return Config{City: city.Config{Name: name, PatrolEvery: city.Off, FightEvery: city.Off}}
}

func quietNames(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("city-%d", i)
	}
	return names
}

func (m *member) bootstrapAddrs() []ma.Multiaddr { return m.Addrs() }

// summary is the state's summary, or the zero one while the city is down.
func (m *member) summary() crdt.Summary {
	inc, err := m.city.Current()
	if err != nil {
		return crdt.Summary{}
	}
	s, err := inc.Summary(context.Background())
	if err != nil {
		return crdt.Summary{}
	}
	return s
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(waitMax)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("not in %v: %s", waitMax, what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// create makes a hero in the member's own city.
func (m *member) create(t *testing.T, name string) crdt.Hero {
	t.Helper()
	return do(t, m, city.Create{Caller: city.Caller{Name: "test", Request: newID()}, HeroName: name, Here: true}).Hero
}

func do(t *testing.T, m *member, msg city.Message) city.Reply {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), waitMax)
	defer cancel()
	reply, err := m.city.Do(ctx, msg)
	if err != nil {
		t.Fatalf("%T at %s: %v", msg, m.cfg.City.Name, err)
	}
	return reply
}

var lastID byte

func newID() crdt.ID {
	lastID++
	return crdt.ID{0: 1, 15: lastID}
}

func allEqual(members []*member) bool {
	for _, m := range members[1:] {
		if m.summary() != members[0].summary() {
			return false
		}
	}
	return true
}

func awaitReady(t *testing.T, m *member) {
	t.Helper()
	select {
	case <-m.Ready():
	case err := <-m.ended:
		t.Fatalf("node ended: %v", err)
	case <-time.After(waitMax):
		t.Fatal("node is not ready")
	}
}

