package history

import (
	"fmt"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/citynode/citynode/crdt"
)

// cluster is cities that obey all rules, on a network that loses most of what is
// sent, under bombs.
type cluster struct {
	t      *rapid.T
	now    time.Duration
	cities []*town
	made   byte // requests
	History
}

type town struct {
	name  string
	life  int
	state *crdt.State
}

func (c *cluster) anyTown() *town { return rapid.SampledFrom(c.cities).Draw(c.t, "city") }

func (c *cluster) stamp() crdt.Stamp { return crdt.StampAt(born.Add(c.now)) }

// pass lets a time pass that is often too short for a clock to show.
func (c *cluster) pass() {
	c.now += time.Duration(rapid.IntRange(1, 1500).Draw(c.t, "µs")) * time.Microsecond
}

// order sends an order; its answer is lost at times.
func (c *cluster) order() {
	at := c.anyTown()
	c.made++
	o := Operation{
		Dispatcher: "oracle", Kind: rapid.SampledFrom([]Kind{Create, Assign, Assign, Retire}).Draw(c.t, "kind"),
		Request: crdt.ID{0: 1, 15: c.made}, Hero: crdt.ID{15: rapid.Byte().Draw(c.t, "hero") % 4},
		City: at.name, Life: at.life, Home: rapid.Bool().Draw(c.t, "home"), Invoked: c.now, Outcome: Acknowledged,
	}
	c.pass()
	o.Record, o.Code = c.carryOut(at, &o)
	if o.Code != "" {
		o.Outcome = Refused
	}
	c.pass()
	o.Answered = c.now
	if rapid.IntRange(0, 3).Draw(c.t, "lost") == 0 {
		o.Outcome, o.Code, o.Record = Unknown, "", crdt.Record{}
	}
	c.Operations = append(c.Operations, o)
}

func (c *cluster) carryOut(at *town, o *Operation) (crdt.Record, string) {
	known := at.state.Record(o.Hero)
	hero, place := known.Hero, at.name
	if o.Home {
		place = crdt.Home
	}
	replica := crdt.ReplicaOf([]byte(at.name))
	switch {
	case known.Kind == crdt.KindTombstone:
		return crdt.Record{}, codeDead
	case known.Kind == crdt.KindNone && o.Kind != Create:
		return crdt.Record{}, "not_found"
	case o.Kind == Create && known.Kind == crdt.KindHero:
		return known, ""
	case o.Kind == Create:
		hero = crdt.Hero{ID: o.Hero, Name: "Batman", Location: place, Health: 100, Version: crdt.Version{Replica: replica, HLC: c.stamp()}}
	case o.Kind == Assign:
		stamp := max(c.stamp(), hero.Version.Assigned.Next())
		hero.Location, hero.Patrolling, hero.Version = place, false, crdt.Version{Assigned: stamp, Replica: replica, HLC: stamp}
	case o.Kind == Retire:
		version := hero.Version
		version.HLC = max(c.stamp(), version.Assigned)
		at.state.MergeTombstone(crdt.Tombstone{ID: o.Hero, Version: version})
		return at.state.Record(o.Hero), ""
	}
	at.state.MergeHero(hero)
	return at.state.Record(o.Hero), ""
}

// deliver brings what one city holds of one hero to another.
func (c *cluster) deliver() {
	from, to := c.anyTown(), c.anyTown()
	c.pass()
	id := crdt.ID{15: rapid.Byte().Draw(c.t, "hero") % 4}
	for _, change := range to.state.Merge(from.state.Record(id).Entries(), crdt.NoHorizon).Changes {
		c.Sightings = append(c.Sightings, Sighting{City: to.name, Life: to.life, At: c.now, Hero: id, Record: change.New})
	}
}

// bomb has a city lose all. It comes back when its clock has gone on, or else it
// could give a version twice.
func (c *cluster) bomb() {
	at := c.anyTown()
	c.now += 2 * time.Millisecond
	c.Bombings = append(c.Bombings, Bombing{City: at.name, At: c.now})
	at.life++
	at.state = crdt.NewState()
}

func (c *cluster) heal() (finals []Final) {
	for range 2 {
		for _, from := range c.cities {
			for _, to := range c.cities {
				entries, _, _ := from.state.Page(0, math.MaxInt)
				to.state.Merge(entries, crdt.NoHorizon)
			}
		}
	}
	for _, at := range c.cities {
		finals = append(finals, FinalOf(at.name, at.state))
	}
	return finals
}

func TestACorrectHistoryHasNoViolation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := &cluster{t: t}
		for i := range rapid.IntRange(1, 4).Draw(t, "cities") {
			c.cities = append(c.cities, &town{name: fmt.Sprintf("city-%d", i), state: crdt.NewState()})
		}
		act := rapid.SampledFrom([]func(){c.order, c.order, c.order, c.deliver, c.deliver, c.deliver, c.bomb})
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			act.Draw(t, "step")()
		}
		for _, v := range Check(&c.History, c.heal()) {
			t.Error(v)
		}
	})
}
