package city

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/citynode/citynode/crdt"
)

// These are the faults of the small cluster that this one grew out of, one a
// test, as far as they are those of one city or of two that exchange states.

// lab is some cities with one clock, which a test moves.
type lab struct {
	t   *testing.T
	now time.Time
	ids byte
}

func newLab(t *testing.T) *lab { return &lab{t: t, now: scriptStart} }

func (l *lab) city(name string, replica crdt.ReplicaID) *Core {
	c := NewCore(Config{Name: name, Replica: replica}, 1)
	c.open = true
	return c
}

func (l *lab) step(c *Core, m Message) Reply {
	reply, _ := c.Step(l.now, rand.New(rand.NewPCG(1, 1)), m)
	return reply
}

func (l *lab) done(c *Core, m Message) Reply {
	l.t.Helper()
	reply := l.step(c, m)
	if reply.Err != nil {
		l.t.Fatal(reply.Err)
	}
	return reply
}

func (l *lab) id() (id crdt.ID) {
	l.ids++
	id[0], id[15] = 1, l.ids
	return id
}

func (l *lab) create(c *Core) crdt.Hero {
	l.t.Helper()
	return l.done(c, Create{Caller: Caller{Name: "alfred", Request: l.id()}, HeroName: "Batman", Here: true}).Hero
}

// exchange lets two cities learn all that the other holds.
func (l *lab) exchange(a, b *Core) {
	l.t.Helper()
	fromA, fromB := wholeOf(a), wholeOf(b)
	l.done(b, Update{Entries: fromA, Source: SourceSync})
	l.done(a, Update{Entries: fromB, Source: SourceSync})
	if a.State().Summary() != b.State().Summary() {
		l.t.Fatalf("after an exchange they hold %+v and %+v", a.State().Summary(), b.State().Summary())
	}
}

func TestACallAboutAnUnknownHeroIsAnsweredNotFound(t *testing.T) {
	l := newLab(t)
	gotham := l.city("gotham", 1)
	for _, m := range []Message{Assign{Hero: l.id()}, Retire{Hero: l.id()}} {
		if reply := l.step(gotham, m); ReasonOf(reply.Err) != NotFound {
			t.Errorf("%T: %v", m, reply.Err)
		}
	}
	l.create(gotham) // it lives on
}

func TestADeadHeroIsAnsweredDeadAndTheTombstoneThatCameIsKept(t *testing.T) {
	l := newLab(t)
	gotham, metropolis := l.city("gotham", 1), l.city("metropolis", 2)
	hero := l.create(gotham)
	l.exchange(gotham, metropolis)
	death := l.done(metropolis, Retire{Hero: hero.ID}).Tombstone
	reply := l.step(gotham, Assign{Hero: hero.ID, With: crdt.Entries{Tombstones: []crdt.Tombstone{death}}})
	if ReasonOf(reply.Err) != Dead {
		t.Errorf("answered %v, want dead", reply.Err)
	}
	if got, dead := gotham.State().Tombstone(hero.ID); !dead || got != death {
		t.Errorf("holds %+v, want the death that came with the call", gotham.State().Record(hero.ID))
	}
}

func TestAStalePatrolDoesNotUndoAReassignment(t *testing.T) {
	l := newLab(t)
	gotham, metropolis := l.city("gotham", 2), l.city("metropolis", 1)
	hero := l.done(gotham, Assign{Hero: l.create(gotham).ID}).Hero
	l.exchange(gotham, metropolis)
	l.now = l.now.Add(time.Second)
	ordered := l.done(metropolis, Assign{Hero: hero.ID}).Hero // which gotham does not hear of
	l.now = l.now.Add(time.Second)
	l.done(gotham, Patrol{})
	l.done(gotham, Fight{}) // one, which he survives: a death would win
	if got, lives := gotham.State().Hero(hero.ID); !lives || got.Health == 100 || got.Version.HLC <= ordered.Version.HLC {
		t.Fatalf("gotham did not write after the order: %+v", got)
	}
	l.exchange(gotham, metropolis)
	if got, _ := gotham.State().Hero(hero.ID); got != ordered {
		t.Errorf("after the exchange %+v, want %+v", got, ordered)
	}
}

func TestTheLaterOfTwoConcurrentOrdersWinsThoughItsSideGaveFewer(t *testing.T) {
	l := newLab(t)
	gotham, metropolis := l.city("gotham", 2), l.city("metropolis", 1)
	hero := l.create(gotham)
	l.exchange(gotham, metropolis)
	for range 10 {
		l.now = l.now.Add(time.Millisecond)
		l.done(gotham, Assign{Hero: hero.ID})
	}
	l.now = l.now.Add(time.Millisecond)
	l.done(metropolis, Assign{Hero: hero.ID})
	l.exchange(gotham, metropolis)
	if got, _ := gotham.State().Hero(hero.ID); got.Location != "metropolis" {
		t.Errorf("the hero is in %s, want metropolis, which gave the last order", got.Location)
	}
}

func TestARetriedAssignAndARetriedCreateChangeNothing(t *testing.T) {
	l := newLab(t)
	gotham := l.city("gotham", 1)
	create := Create{Caller: Caller{Name: "alfred", Request: l.id()}, HeroName: "Batman"}
	created := l.done(gotham, create)
	assign := Assign{Caller: Caller{Name: "alfred", Request: l.id()}, Hero: created.Hero.ID}
	assigned := l.done(gotham, assign)
	l.now = l.now.Add(time.Minute)
	before := gotham.State().Summary()
	if again := l.done(gotham, assign); again.Hero != assigned.Hero {
		t.Errorf("a retried assign gave %+v, before %+v", again.Hero, assigned.Hero)
	}
	if again := l.done(gotham, create); again.Hero != created.Hero {
		t.Errorf("a retried create gave %+v, before %+v", again.Hero, created.Hero)
	}
	if gotham.State().Summary() != before {
		t.Error("a retry changed the state")
	}
}

func TestABombIsAnsweredAndThenTheCityIsEmpty(t *testing.T) {
	l := newLab(t)
	gotham := l.city("gotham", 1)
	l.create(gotham)
	reply, fx := gotham.Step(l.now, nil, Bomb{})
	if reply.Err != nil || !fx.Crash {
		t.Errorf("answered %v, crash %t", reply.Err, fx.Crash)
	}
	if next := l.city("gotham", 1); next.State().Summary() != (crdt.Summary{}) {
		t.Error("the next incarnation is not empty")
	}
}

func TestAClockSetRightWaitsOnlyForTheHeroesItTouched(t *testing.T) {
	l := newLab(t)
	gotham := l.city("gotham", 1)
	touched, other := l.create(gotham), l.create(gotham)
	l.now = l.now.Add(time.Hour) // the clock is an hour ahead
	l.done(gotham, Assign{Hero: touched.ID})
	l.now = l.now.Add(-time.Hour) // and is set right
	if reply := l.step(gotham, Assign{Hero: touched.ID}); ReasonOf(reply.Err) != Unavailable {
		t.Errorf("the hero that it touched: %v, want unavailable", reply.Err)
	}
	l.done(gotham, Assign{Hero: other.ID})
	l.done(gotham, Retire{Hero: touched.ID}) // a death never waits
}
