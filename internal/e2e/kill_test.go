//go:build linux

package e2e

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/history"
)

const (
	// roundsEnv is for how many rounds cities are killed; without it roundsFew.
	roundsEnv = "CITYNODE_E2E_ROUNDS"
	roundsFew = 10
	// workers is how many dispatchers order at the same time.
	workers = 6
	// orderMax is how long they wait for an answer.
	orderMax = 3 * time.Second
)

func TestNothingAcknowledgedIsLostByKillsOfOneCity(t *testing.T)     { killUnderLoad(t, 1) }
func TestNothingAcknowledgedIsLostByKillsOfThreeCities(t *testing.T) { killUnderLoad(t, 3) }

// killUnderLoad has dispatchers order while cities are killed, one a round, and
// judges after each round what they were told.
func killUnderLoad(t *testing.T, hosts int) {
	cities := startCities(t, newLab(t, hosts))
	rounds, c := roundsOr(roundsFew), newChronicle()
	for round := range rounds {
		victim := cities[round%len(cities)]
		c.orderUntil(cities, func() {
			wait(t, time.Duration(500+100*(round%7))*time.Millisecond)
			victim.kill(t)
		})
		victim.start(t)
		awaitCities(t, cities)
		if hosts > 1 {
			victim.converge(t, healMax)
		}
		for _, v := range history.Check(&c.History, finals(t, cities)) {
			t.Errorf("after round %d, in which %s was killed: %v", round, victim.name, v)
		}
		if t.Failed() {
			return
		}
	}
	t.Logf("%d rounds: %v", rounds, c.counts())
}

// roundsOr returns for how many rounds cities are to be killed, where it is said.
func roundsOr(few int) int {
	if n, err := strconv.Atoi(os.Getenv(roundsEnv)); err == nil {
		return n
	}
	return few
}

// chronicle is the history, as dispatchers write it.
type chronicle struct {
	begun       time.Time
	dispatchers []*ordering

	mu sync.Mutex // guards History
	history.History
}

func newChronicle() *chronicle {
	c := &chronicle{begun: time.Now()}
	for i := range workers {
		c.dispatchers = append(c.dispatchers, &ordering{name: fmt.Sprintf("dispatcher-%d", i), rng: rand.New(rand.NewPCG(1, uint64(i)))})
	}
	return c
}

// counts returns how many operations had which outcome.
func (c *chronicle) counts() map[history.Outcome]int {
	counts := make(map[history.Outcome]int)
	for _, o := range c.Operations {
		counts[o.Outcome]++
	}
	return counts
}

// ordering is a dispatcher. Only it orders about its heroes, so that no two orders
// of one have the same millisecond.
type ordering struct {
	name   string
	rng    *rand.Rand
	heroes []crdt.ID
	made   uint32
}

// orderUntil lets all order until what is meanwhile done is over.
func (c *chronicle) orderUntil(cities []*city, meanwhile func()) {
	over := make(chan struct{})
	var ordering sync.WaitGroup
	for _, d := range c.dispatchers {
		ordering.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
					c.order(d, cities)
				}
			}
		})
	}
	defer ordering.Wait()
	defer close(over)
	meanwhile()
}

// answer is a hero or what is left of it, as commands print it.
type answer struct {
	ID          crdt.ID    `json:"id"`
	Name        string     `json:"name"`
	Location    string     `json:"location"`
	Health      uint8      `json:"health"`
	Patrolling  bool       `json:"patrolling"`
	AssignedAt  *time.Time `json:"assigned_at"`
	LastUpdated time.Time  `json:"last_updated"`
}

// record is the answer with as much of the version as commands print: its times.
func (a answer) record(id crdt.ID) crdt.Record {
	if a.Health == 0 {
		return crdt.Record{Kind: crdt.KindTombstone, Tombstone: crdt.Tombstone{ID: id}}
	}
	version := crdt.Version{HLC: crdt.StampAt(a.LastUpdated)}
	if a.AssignedAt != nil {
		version.Assigned = crdt.StampAt(*a.AssignedAt)
	}
	return crdt.Record{Kind: crdt.KindHero, Hero: crdt.Hero{
		ID: id, Name: a.Name, Location: a.Location, Health: a.Health, Patrolling: a.Patrolling, Version: version,
	}}
}

// order gives one order and notes what became of it.
func (c *chronicle) order(d *ordering, cities []*city) {
	asked := cities[d.rng.IntN(len(cities))]
	d.made++
	o := history.Operation{Dispatcher: d.name, City: asked.name, Request: crdt.ID{12: byte(d.made >> 24), 13: byte(d.made >> 16), 14: byte(d.made >> 8), 15: byte(d.made)}}
	var args []string
	at := len(d.heroes) - 1
	if at >= 0 {
		at = d.rng.IntN(len(d.heroes))
		o.Hero = d.heroes[at]
	}
	switch choice := d.rng.IntN(10); {
	case at < 0 || choice < 3:
		o.Kind, args = history.Create, []string{"hero", "create", fmt.Sprintf("hero %d of %s", d.made, d.name)}
	case choice < 6:
		o.Kind, args = history.Assign, []string{"hero", "assign", o.Hero.String(), asked.name}
	case choice < 9:
		o.Kind, o.Home, args = history.Assign, true, []string{"hero", "assign", o.Hero.String(), crdt.Home}
	default:
		o.Kind, args = history.Retire, []string{"hero", "retire", o.Hero.String()}
		d.heroes = append(d.heroes[:at], d.heroes[at+1:]...)
	}
	o.Invoked = time.Since(c.begun)
	var got answer
	if err := asked.try(orderMax, &got, args...); err == nil {
		if o.Kind == history.Create {
			o.Hero = got.ID
			d.heroes = append(d.heroes, got.ID)
		}
		o.Outcome, o.Record = history.Acknowledged, got.record(o.Hero)
	}
	o.Answered = time.Since(c.begun)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Operations = append(c.Operations, o)
}

// finals are what all cities hold.
func finals(t *testing.T, cities []*city) (all []history.Final) {
	t.Helper()
	for _, c := range cities {
		var held struct {
			Superheroes map[crdt.ID]answer `json:"superheroes"`
			Tombstones  map[crdt.ID]answer `json:"tombstones"`
			Digest      string             `json:"digest"`
		}
		c.ask(t, commandMax, &held, "get", c.name)
		f := history.Final{City: c.name}
		for id, a := range held.Superheroes {
			f.Entries.Heroes = append(f.Entries.Heroes, a.record(id).Hero)
		}
		for id, a := range held.Tombstones {
			f.Entries.Tombstones = append(f.Entries.Tombstones, a.record(id).Tombstone)
		}
		f.Summary.Heroes, f.Summary.Tombstones = uint64(len(held.Superheroes)), uint64(len(held.Tombstones))
		digest, err := hex.DecodeString(held.Digest)
		if err != nil || copy(f.Summary.Digest[:], digest) != len(f.Summary.Digest) {
			t.Fatalf("%s tells the digest %q: %v", c.name, held.Digest, err)
		}
		all = append(all, f)
	}
	return all
}
