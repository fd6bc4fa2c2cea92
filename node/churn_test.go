package node

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/history"
	"github.com/citynode/citynode/internal/store"
	"github.com/citynode/citynode/protocol"
)

const (
	// churnSeed decides what fails when, and what is ordered; not what the hosts
	// make of it.
	churnSeed = 1
	// churnCalms is how often in the hour the faults stop.
	churnCalms = 4
	// churnDispatchers is how many order at the same time, each every few seconds.
	churnDispatchers = 6
	// churnSeconds is about how many seconds pass from one fault to the next.
	churnSeconds = 15
	// orderMax is how long a dispatcher waits for an answer.
	orderMax = 5 * time.Second
	// calmLasts is how long the faults stop.
	calmLasts = time.Minute
	// heapGrowthMax is what the heap may grow by from the first calm to the last:
	// the history of the hour, and the links of the hosts that were killed, which the
	// simulated network keeps, take a third of it.
	heapGrowthMax = 24 << 20
)

// site is a city's place: what there is of it while its process is killed.
type site struct {
	name    string
	number  byte // of its host
	key     crypto.PrivKey
	place   store.Memory
	back    time.Time // while it is dead: when it is started again
	lives   int       // how often it has lost all; guarded by churn.mu
	bombing bool      // guarded by churn.mu

	member *member // nil while it is dead; guarded by churn.mu
}

// churn is a cluster of cities with stores that are cut off, killed, restarted
// and bombed while dispatchers order, and the history of that.
type churn struct {
	net   *simNet
	rng   *rand.Rand
	begun time.Time
	sites []*site
	apart map[*site]bool // who is cut off by the present partition
	mends time.Time      // when it ends; zero: there is none

	kills, bombs, partitions int

	mu     sync.Mutex // guards the rest, and what of a site it says
	told   history.History
	heroes []crdt.Record // that are ordered about; see keep
}

func TestAnHourOfPartitionsKillsAndBombsLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChurn(t, hourCities)
		calms, last := churnCalms, time.Hour
		if raceEnabled || testing.Short() {
			calms, last = 1, 5*time.Minute
		}
		var heaps []uint64
		for calm := range calms {
			c.disturb(t, last/time.Duration(calms)-calmLasts)
			equalAfter := c.heal(t)
			c.judge(t)
			heaps = append(heaps, heapNow())
			t.Logf("calm %d at %v: equal after %v; %s; heap %.1f MiB", calm+1, time.Since(c.begun).Round(time.Second),
				equalAfter, c.counts(), float64(heaps[calm])/(1<<20))
			time.Sleep(calmLasts - equalAfter)
		}
		if first, last := heaps[0], heaps[len(heaps)-1]; last > first+heapGrowthMax {
			t.Errorf("the heap grew from %d to %d bytes", first, last)
		}
	})
}

func heapNow() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func newChurn(t *testing.T, cities int) *churn {
	t.Helper()
	c := &churn{net: newSimNet(t), rng: rand.New(rand.NewPCG(churnSeed, 0)), begun: time.Now()}
	for i, name := range cityNames(cities) {
		c.sites = append(c.sites, &site{name: name, number: byte(i + 1), key: newKey(t)})
	}
	t.Cleanup(func() {
		for _, s := range c.sites {
			if s.member != nil {
				s.member.killed(t, &s.place)
			}
		}
	})
	for _, s := range c.sites {
		c.start(t, s)
	}
	awaitReady(t, c.living()...)
	awaitAlive(t, c.living()...)
	return c
}

// start starts a city from its store, at its former address. It is told of the
// first cities.
func (c *churn) start(t *testing.T, s *site) {
	t.Helper()
	cfg := quiet(s.name)
	cfg.Identity = s.key
	cfg.NewHost = func(opts ...libp2p.Option) (host.Host, error) { return c.net.hostAt(s.number, opts...) }
	for _, other := range c.sites[:3] {
		if other != s {
			cfg.Bootstrap = append(cfg.Bootstrap, addrOf(t, other))
		}
	}
	opened, err := s.place.Open(store.Config{Identity: store.Identity{City: s.name, Network: protocol.DefaultNetwork, Peer: "a peer"}})
	if err != nil {
		t.Fatal(err)
	}
	cfg.store = opened
	cfg.Events.Changed = func(change city.SourcedChange) { c.sighted(s, change) }
	c.net.Put(c.sideOf(s), s.number)
	m := prepare(t, cfg)
	m.begin()
	c.mu.Lock()
	defer c.mu.Unlock()
	s.member = m
}

// begin is run without an end with the test, which would keep what is left of a
// member that was killed until then.
func (m *member) begin() {
	ctx, stop := context.WithCancel(context.Background())
	m.stop = stop
	go func() {
		m.err = m.Run(ctx)
		close(m.ended)
	}()
}

// addrOf is where the city can be dialed.
func addrOf(t *testing.T, s *site) ma.Multiaddr {
	t.Helper()
	id, err := peer.IDFromPrivateKey(s.key)
	if err != nil {
		t.Fatal(err)
	}
	return ma.StringCast(fmt.Sprintf("%s/p2p/%s", quicAddr(s.number), id))
}

func quicAddr(number byte) string { return fmt.Sprintf("/ip4/10.0.0.%d/udp/4900/quic-v1", number) }

// hostAt makes the host of that number, in place of one that has ended.
func (n *simNet) hostAt(number byte, opts ...libp2p.Option) (host.Host, error) {
	return libp2p.New(append(opts,
		func(cfg *libp2p.Config) error {
			cfg.ListenAddrs = []ma.Multiaddr{ma.StringCast(quicAddr(number))}
			return nil
		},
		n.Host(),
	)...)
}

// sideOf is the side of the partition on which a city is.
func (c *churn) sideOf(s *site) int32 {
	if c.apart[s] {
		return 1
	}
	return 0
}

// living are the members whose processes run.
func (c *churn) living() (all []*member) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.sites {
		if s.member != nil {
			all = append(all, s.member)
		}
	}
	return all
}

// disturb has faults happen, cities tick and dispatchers order, for a while. It
// ticks for the cities, so that nothing changes in a calm.
func (c *churn) disturb(t *testing.T, lasts time.Duration) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var ordering sync.WaitGroup
	for i := range churnDispatchers {
		d := &orderingDispatcher{churn: c, name: fmt.Sprintf("dispatcher-%d", i), rng: rand.New(rand.NewPCG(churnSeed, c.rng.Uint64()))}
		ordering.Go(func() { d.serve(ctx) })
	}
	defer ordering.Wait()
	defer stop()
	end := time.Now().Add(lasts)
	for second := 0; time.Now().Before(end); second++ {
		time.Sleep(time.Second)
		c.tick(second)
		if !c.mends.IsZero() && time.Now().After(c.mends) {
			c.partition(nil)
		}
		for _, s := range c.sites {
			if s.member == nil && time.Now().After(s.back) {
				c.start(t, s)
			}
		}
		if c.rng.IntN(churnSeconds) == 0 {
			c.fail(t)
		}
	}
}

// tick has each city patrol and fight every five seconds, not all at once.
func (c *churn) tick(second int) {
	for i, s := range c.sites {
		if (second+i)%5 == 0 && s.member != nil {
			for _, m := range []city.Message{city.Patrol{}, city.Fight{}} {
				_, _ = s.member.city.Do(context.Background(), m) // it may be starting
			}
		}
	}
}

// fail has something fail: a new partition, which replaces the present one, a city
// that is killed, or with it all that are cut off, or one that is bombed.
func (c *churn) fail(t *testing.T) {
	t.Helper()
	s := c.sites[c.rng.IntN(len(c.sites))]
	switch c.rng.IntN(3) {
	case 0:
		apart := make(map[*site]bool)
		for _, i := range c.rng.Perm(len(c.sites))[:1+c.rng.IntN(len(c.sites)/2)] {
			apart[c.sites[i]] = true
		}
		c.partitions++
		c.partition(apart)
		c.mends = time.Now().Add(time.Duration(1+c.rng.IntN(60)) * time.Second)
	case 1:
		victims := []*site{s}
		if c.apart[s] { // what only they know is in their stores alone
			victims = slices.DeleteFunc(slices.Clone(c.sites), func(s *site) bool { return !c.apart[s] })
		}
		c.kill(t, victims...)
	default:
		if s.member != nil && s.member.incarnation() != 0 {
			c.bomb(t, s)
		}
	}
}

// partition cuts some cities off from the others, and no others; nil: none.
func (c *churn) partition(apart map[*site]bool) {
	c.apart, c.mends = apart, time.Time{}
	for _, s := range c.sites {
		if s.member != nil {
			c.net.Put(c.sideOf(s), s.number)
		}
	}
}

// kill ends cities as a power cut does: nobody hears of it, and what is not
// durable is gone.
func (c *churn) kill(t *testing.T, sites ...*site) {
	t.Helper()
	for _, s := range sites {
		m := s.member
		if m == nil {
			continue
		}
		c.kills++
		c.mu.Lock()
		s.member = nil
		c.mu.Unlock()
		c.net.Put(2+int32(s.number), s.number)
		m.killed(t, &s.place)
		s.back = time.Now().Add(time.Duration(c.rng.IntN(30)) * time.Second)
	}
}

// incarnation is the number of the present incarnation; 0: there is none.
func (m *member) incarnation() crdt.Stamp {
	inc, err := m.city.Current()
	if err != nil {
		return 0
	}
	return inc.Number()
}

// bomb has a city lose all that it holds, and waits for its next incarnation.
func (c *churn) bomb(t *testing.T, s *site) {
	t.Helper()
	c.bombs++
	before := s.member.incarnation()
	c.mu.Lock()
	s.bombing = true
	c.mu.Unlock()
	if err := s.member.calls.voidStore(); err != nil {
		t.Fatal(err)
	}
	_, _ = s.member.city.Do(t.Context(), city.Bomb{}) // it may have crashed already
	eventually(t, "a new incarnation", func() bool { return s.member.incarnation() > before })
	c.mu.Lock()
	defer c.mu.Unlock()
	s.lives, s.bombing = s.lives+1, false
	c.told.Bombings = append(c.told.Bombings, history.Bombing{City: s.name, At: time.Since(c.begun)})
}

// heal ends all faults, and returns how long it then takes until all cities hold
// the same.
func (c *churn) heal(t *testing.T) (equalAfter time.Duration) {
	t.Helper()
	c.partition(nil)
	for _, s := range c.sites {
		if s.member == nil {
			c.start(t, s)
		}
	}
	healed := time.Now()
	within(t, healSoon, "healing", func() {
		awaitReady(t, c.living()...)
		awaitEqual(t, c.living()...)
	})
	return time.Since(healed)
}

// judge checks the history until now against what all cities hold.
func (c *churn) judge(t *testing.T) {
	t.Helper()
	var finals []history.Final
	for _, m := range c.living() {
		inc, err := m.city.Current()
		if err != nil {
			t.Fatal(err)
		}
		if err := inc.Read(t.Context(), func(core *city.Core) {
			finals = append(finals, history.FinalOf(m.cfg.City.Name, core.State()))
		}); err != nil {
			t.Fatal(err)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, v := range history.Check(&c.told, finals) {
		t.Error(v)
	}
}

// counts says what happened until now.
func (c *churn) counts() string {
	summary := c.living()[0].summary()
	c.mu.Lock()
	defer c.mu.Unlock()
	outcomes := make(map[history.Outcome]int)
	for _, o := range c.told.Operations {
		outcomes[o.Outcome]++
	}
	return fmt.Sprintf("%d partitions, %d kills, %d bombs; orders: %v; %d sightings; %d heroes, %d tombstones", c.partitions, c.kills, c.bombs,
		outcomes, len(c.told.Sightings), summary.Heroes, summary.Tombstones)
}

// sighted notes what a city told of its own doing, which it had stored before.
func (c *churn) sighted(s *site, change city.SourcedChange) {
	if change.Source != city.SourceSelf && change.Source != city.SourceCaller {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.bombing {
		return // it may be of the life before
	}
	c.told.Sightings = append(c.told.Sightings, history.Sighting{
		City: s.name, Life: s.lives, At: time.Since(c.begun), Hero: change.ID, Record: change.New,
	})
}

// orderingDispatcher orders by the call protocol, from the host of one city to
// another city.
type orderingDispatcher struct {
	*churn
	name string
	rng  *rand.Rand
}

func (d *orderingDispatcher) serve(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Second + time.Duration(d.rng.IntN(5000))*time.Millisecond):
		}
		from, to := d.someSites()
		if from == nil {
			continue
		}
		o := history.Operation{Dispatcher: d.name, City: to.name, Request: newID()}
		order := d.draw(&o, to)
		if d.try(from, to, o, order) == history.Unknown {
			d.try(from, to, o, order)
		}
	}
}

// someSites are two cities, the first of which runs.
func (d *orderingDispatcher) someSites() (from *member, to *site) {
	living := d.living()
	from, to = living[d.rng.IntN(len(living))], d.sites[d.rng.IntN(len(d.sites))]
	if from.cfg.City.Name == to.name {
		return nil, nil
	}
	return from, to
}

// draw draws what is ordered, and returns the call that does it.
func (d *orderingDispatcher) draw(o *history.Operation, to *site) func(context.Context, *protocol.Client) (crdt.Record, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	request := o.Request
	choice := d.rng.IntN(100)
	if len(d.heroes) == 0 || choice < 25 {
		o.Kind, o.Hero = history.Create, request
		r := protocol.CreateRequest{Name: "hero of " + d.name, Here: choice%2 == 0}
		return func(ctx context.Context, c *protocol.Client) (crdt.Record, error) {
			reply, err := c.Create(ctx, request, r)
			return crdt.Record{Kind: crdt.KindHero, Hero: reply.Hero}, err
		}
	}
	copied := d.heroes[d.rng.IntN(len(d.heroes))]
	o.Hero = history.IDOf(copied)
	if choice < 30 {
		o.Kind = history.Retire
		return func(ctx context.Context, c *protocol.Client) (crdt.Record, error) {
			reply, err := c.Retire(ctx, request, protocol.RetireRequest{Hero: history.IDOf(copied)})
			return crdt.Record{Kind: crdt.KindTombstone, Tombstone: reply.Tombstone}, err
		}
	}
	o.Kind, o.Home = history.Assign, choice < 40
	r := protocol.AssignRequest{Hero: o.Hero, Home: o.Home}
	if choice%2 == 0 {
		stale := copied.Entries()
		r.Entries = &stale
	}
	return func(ctx context.Context, c *protocol.Client) (crdt.Record, error) {
		reply, err := c.Assign(ctx, request, r)
		return crdt.Record{Kind: crdt.KindHero, Hero: reply.Hero}, err
	}
}

// try sends an order once and notes what became of it.
func (d *orderingDispatcher) try(from *member, to *site, o history.Operation, order func(context.Context, *protocol.Client) (crdt.Record, error)) history.Outcome {
	ctx, cancel := context.WithTimeout(context.Background(), orderMax)
	defer cancel()
	d.mu.Lock()
	bombing := to.bombing
	o.Life = to.lives
	d.mu.Unlock()
	o.Invoked = time.Since(d.begun)
	var got crdt.Record
	err := from.Call(ctx, to.name, func(c *protocol.Client) (err error) {
		got, err = order(ctx, c)
		return err
	})
	o.Answered = time.Since(d.begun)
	d.mu.Lock()
	defer d.mu.Unlock()
	switch refusal, refused := errors.AsType[*protocol.Error](err); {
	case bombing || to.bombing || to.lives != o.Life: // nobody knows which life answered
	case err == nil:
		o.Outcome, o.Record = history.Acknowledged, got
		o.Found = o.Kind == history.Create && isFound(got.Hero, to)
		d.keep(o.Kind, got)
	case refused && refusal.Code != protocol.Unavailable:
		o.Outcome, o.Code = history.Refused, refusal.Code.String()
	}
	d.told.Operations = append(d.told.Operations, o)
	return o.Outcome
}

// isFound tells whether a create was answered with a hero that was there.
func isFound(h crdt.Hero, in *site) bool {
	id, err := peer.IDFromPrivateKey(in.key)
	return err != nil || h.Version.Replica != crdt.ReplicaOf([]byte(id)) || h.Version.Assigned > 0 || h.Patrolling || h.Health < crdt.HealthMax
}

// heroesKept is how many heroes are known to the dispatchers: few enough that
// each is ordered about often.
const heroesKept = 40

// keep keeps a hero as it was answered first, in place of the oldest: so copies
// are stale, and some heroes are dead. Who was created at home is left alone, for a
// later order would hide that the first was lost.
func (c *churn) keep(kind history.Kind, r crdt.Record) {
	alone := kind == history.Create && r.Hero.Location == crdt.Home
	known := func(k crdt.Record) bool { return history.IDOf(k) == r.Hero.ID }
	if alone || kind == history.Retire || slices.ContainsFunc(c.heroes, known) {
		return
	}
	if len(c.heroes) == heroesKept {
		c.heroes = c.heroes[1:]
	}
	c.heroes = append(c.heroes, r)
}
