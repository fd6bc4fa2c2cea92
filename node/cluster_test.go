package node

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/protocol"
)

const (
	// waitMax bounds every wait, in real or virtual time; none takes a tenth of
	// it unless something is broken or the machine is very busy.
	waitMax = time.Minute
	// lookEvery is how often a wait looks.
	lookEvery = 10 * time.Millisecond
)

// member is a node that runs in a test.
type member struct {
	*Node
	*witness
	stop  context.CancelFunc
	ended chan struct{} // closed once err is set
	err   error         // what Run returned
}

// witness keeps what the events of a node told.
type witness struct {
	mu        sync.Mutex // guards the rest
	crashes   []string   // the parts
	contested []peer.ID
	cities    []CityEvent
	toldAt    []time.Time     // when each of them was told
	opened    []time.Duration // how long after the start, in order
	syncs     []SyncEvent
}

// start runs a node until the test ends.
func start(t *testing.T, cfg Config) *member {
	t.Helper()
	m := prepare(t, cfg)
	m.run(t)
	return m
}

// prepare makes a node that is yet to be run.
func prepare(t *testing.T, cfg Config) *member {
	t.Helper()
	m := &member{witness: new(witness), ended: make(chan struct{})}
	m.subscribe(&cfg.Events, time.Now())
	n, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	m.Node = n
	return m
}

// run runs the node until the test ends.
func (m *member) run(t *testing.T) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	m.stop = stop
	go func() {
		m.err = m.Run(ctx)
		close(m.ended)
	}()
	t.Cleanup(func() { m.leave(t) })
}

// leave stops the node and waits for its end.
func (m *member) leave(t *testing.T) {
	t.Helper()
	m.stop()
	select {
	case <-m.ended:
	case <-time.After(waitMax):
		t.Fatalf("city %s does not stop", m.cfg.City.Name)
	}
}

func (w *witness) subscribe(e *Events, begun time.Time) {
	note := func(f func()) {
		w.mu.Lock()
		defer w.mu.Unlock()
		f()
	}
	e.Crashed = func(part string, _ error) { note(func() { w.crashes = append(w.crashes, part) }) }
	e.Contested = func(_ string, p peer.ID) { note(func() { w.contested = append(w.contested, p) }) }
	e.City = func(c CityEvent) {
		note(func() { w.cities, w.toldAt = append(w.cities, c), append(w.toldAt, time.Now()) })
	}
	e.Opened = func(bool) { note(func() { w.opened = append(w.opened, time.Since(begun)) }) }
	e.Synced = func(s SyncEvent) { note(func() { w.syncs = append(w.syncs, s) }) }
}

// crashed is how often the part crashed.
func (w *witness) crashed(part string) (times int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.crashes {
		if p == part {
			times++
		}
	}
	return times
}

// contesters are the peers of which an event said that they claim the name.
func (w *witness) contesters() []peer.ID {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]peer.ID(nil), w.contested...)
}

// quiet is the configuration of a city whose ticks are off.
func quiet(name string) Config {
	return Config{City: city.Config{Name: name, PatrolEvery: city.Off, FightEvery: city.Off}}
}

// aheadBy is a clock that is so far ahead of the true time.
func aheadBy(d time.Duration) func() time.Time { return func() time.Time { return time.Now().Add(d) } }

// newKey is the key of a peer that nobody knows.
func newKey(t *testing.T) crypto.PrivKey {
	t.Helper()
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

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

// status is the node's Status.
func (m *member) status(t *testing.T) Status {
	t.Helper()
	s, err := m.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// record is what the member's city holds under the id.
func (m *member) record(t *testing.T, id crdt.ID) (r crdt.Record) {
	t.Helper()
	inc, err := m.city.Current()
	if err != nil {
		return crdt.Record{}
	}
	_ = inc.Read(t.Context(), func(c *city.Core) { r = c.State().Record(id) }) // a city that is down holds nothing
	return r
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	late := time.NewTimer(waitMax)
	defer late.Stop()
	for !holds() {
		select {
		case <-look.C:
		case <-late.C:
			t.Fatalf("not in %v: %s", waitMax, what)
		}
	}
}

// within fails the test if f takes longer than d. It is for bounds that the
// design promises, with room for a busy machine.
func within(t *testing.T, d time.Duration, what string, f func()) {
	t.Helper()
	begun := time.Now()
	f()
	if took := time.Since(begun); took > d {
		t.Errorf("%s took %v, want at most %v", what, took, d)
	}
}

func awaitReady(t *testing.T, members ...*member) {
	t.Helper()
	for _, m := range members {
		select {
		case <-m.Ready():
		case <-m.ended:
			t.Fatalf("city %s ended: %v", m.cfg.City.Name, m.err)
		case <-time.After(waitMax):
			t.Fatalf("city %s is not ready", m.cfg.City.Name)
		}
	}
}

// awaitEqual waits until all hold the same, which is not nothing.
func awaitEqual(t *testing.T, members ...*member) {
	t.Helper()
	eventually(t, "all cities hold the same", func() bool { return equal(members) && members[0].summary() != crdt.Summary{} })
}

func equal(members []*member) bool {
	for _, m := range members[1:] {
		if m.summary() != members[0].summary() {
			return false
		}
	}
	return true
}

// awaitAlive waits until each of them counts the others as alive.
func awaitAlive(t *testing.T, members ...*member) {
	t.Helper()
	for _, m := range members {
		eventually(t, m.cfg.City.Name+" knows the others", func() bool { return len(m.directory.Alive()) >= len(members)-1 })
	}
}

// do sends a message to the member's city, which must carry it out.
func (m *member) do(t *testing.T, msg city.Message) city.Reply {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), waitMax)
	defer cancel()
	reply, err := m.city.Do(ctx, msg)
	if err != nil {
		t.Fatalf("%T at %s: %v", msg, m.cfg.City.Name, err)
	}
	return reply
}

// create makes a hero in the member's own city.
func (m *member) create(t *testing.T, name string) crdt.Hero {
	t.Helper()
	return m.do(t, city.Create{Caller: orderer(newID()), HeroName: name, Here: true}).Hero
}

// assign orders a hero to the member's own city.
func (m *member) assign(t *testing.T, id crdt.ID) crdt.Hero {
	t.Helper()
	return m.do(t, city.Assign{Caller: orderer(newID()), Hero: id}).Hero
}

// orderer is a caller that makes one request.
func orderer(request crdt.ID) city.Caller { return city.Caller{Name: "test", Request: request} }

var lastID atomic.Uint64

// newID is an id that no other of this run of the tests is equal to.
func newID() (id crdt.ID) {
	id[0] = 1
	binary.BigEndian.PutUint64(id[8:], lastID.Add(1))
	return id
}

// call makes calls to a city through the member, which must succeed.
func (m *member) call(t *testing.T, to string, do func(context.Context, *protocol.Client) error) {
	t.Helper()
	if err := m.tryCall(t, to, do); err != nil {
		t.Fatalf("call %s from %s: %v", to, m.cfg.City.Name, err)
	}
}

// tryCall makes calls to a city through the member.
func (m *member) tryCall(t *testing.T, to string, do func(context.Context, *protocol.Client) error) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), waitMax)
	defer cancel()
	return m.Call(ctx, to, func(c *protocol.Client) error { return do(ctx, c) })
}

// bomb bombs the member's city from within and waits until it is back.
func (m *member) bomb(t *testing.T) {
	t.Helper()
	before := m.facts.Incarnation()
	m.do(t, city.Bomb{})
	eventually(t, "a new incarnation", func() bool {
		inc, err := m.city.Current()
		return err == nil && inc.Number() > before
	})
}

// cityNames are c0, c1, and so on.
func cityNames(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("c%d", i)
	}
	return names
}

// presences returns the peers that are in the topic of presences.
func (m *member) presences() []peer.ID {
	return m.router.Peers(protocol.PresenceTopic(m.cfg.Network))
}

// aHero is a valid hero with that id, stamped with its health.
func aHero(id crdt.ID, health uint8) crdt.Record {
	return crdt.Record{Kind: crdt.KindHero, Hero: crdt.Hero{
		ID: id, Name: strings.Repeat("b", crdt.NameBytesMax), Location: "gotham", Health: health,
		Version: crdt.Version{HLC: crdt.Stamp(health)},
	}}
}
