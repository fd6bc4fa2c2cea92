package city

import (
	"errors"
	"testing"
	"time"

	"github.com/citynode/citynode/crdt"
)

// refusedAs fails the test unless the reply is a refusal for that reason.
func refusedAs(t *testing.T, what string, reply Reply, want Reason) {
	t.Helper()
	if refusal, ok := errors.AsType[*Refusal](reply.Err); !ok || refusal.Reason != want {
		t.Errorf("%s: %v, want a refusal for %v", what, reply.Err, want)
	}
}

// heroOf is a hero of gotham, in a state that a neighbour may have sent.
func heroOf(l *lab, health uint8, assigned, hlc time.Time, patrolling bool) crdt.Hero {
	return crdt.Hero{
		ID: l.id(), Name: "Robin", Location: "gotham", Health: health, Patrolling: patrolling,
		Version: crdt.Version{Assigned: crdt.StampAt(assigned), Replica: 1, HLC: crdt.StampAt(hlc)},
	}
}

// learn has the city learn of a hero whatever its stamp.
func (l *lab) learn(c *Core, h crdt.Hero) {
	l.t.Helper()
	l.done(c, Update{Entries: crdt.Entries{Heroes: []crdt.Hero{h}}, Source: SourceStore})
}

// Whatever stamp a stranger puts on a hero: where the city takes the hero it takes orders
// for it, at once and again and again.
func TestNoStampThatIsTakenFromOthersKeepsAHeroFromBeingOrdered(t *testing.T) {
	for _, ahead := range []time.Duration{0, 49 * time.Second, 51 * time.Second, 59 * time.Second, FutureSkewMax} {
		l := newLab(t)
		gotham := l.city("gotham", 1)
		h := heroOf(l, 50, l.now.Add(ahead), l.now.Add(ahead), false)
		if reply := l.done(gotham, Update{Entries: crdt.Entries{Heroes: []crdt.Hero{h}}, Source: SourceGossip}); reply.Changed != 1 {
			t.Fatalf("%v ahead: it is not taken", ahead)
		}
		for range 3 {
			reply := l.step(gotham, Assign{Caller: Caller{Name: "alfred", Request: l.id()}, Hero: h.ID})
			if reply.Err != nil {
				t.Errorf("%v ahead: %v", ahead, reply.Err)
			}
		}
		if fx := l.tick(gotham, 1, Patrol{}); len(fx.Changes) != 1 {
			t.Errorf("%v ahead: it does not patrol: %+v", ahead, fx)
		}
	}
}

func TestAnOrderIsStampedAtMostOwnSkewMaxAhead(t *testing.T) {
	for ahead, taken := range map[time.Duration]bool{OwnSkewMax: true, OwnSkewMax + time.Millisecond: false, 2 * OwnSkewMax: false} {
		l := newLab(t)
		gotham := l.city("gotham", 1)
		h := heroOf(l, 50, l.now.Add(ahead), l.now.Add(ahead), false)
		l.learn(gotham, h)
		reply := l.step(gotham, Assign{Caller: Caller{Name: "alfred", Request: l.id()}, Hero: h.ID})
		switch {
		case !taken:
			refusedAs(t, ahead.String(), reply, Unavailable)
		case reply.Err != nil:
			t.Errorf("%v: %v", ahead, reply.Err)
		case reply.Hero.Version.Assigned <= h.Version.Assigned:
			t.Errorf("%v: the order has no effect: %+v", ahead, reply.Hero.Version)
		}
	}
}

func TestAnOrderHealsUpToTheCapAndTakesNothing(t *testing.T) {
	for before, want := range map[uint8]uint8{1: 21, 60: 80, 70: 80, 80: 80, 95: 95} {
		l := newLab(t)
		gotham := NewCore(Config{Name: "gotham", Replica: 1, HealthMax: 80}, 1)
		gotham.open = true
		h := heroOf(l, before, l.now, l.now, false)
		l.learn(gotham, h)
		reply := l.done(gotham, Assign{Caller: Caller{Name: "alfred", Request: l.id()}, Hero: h.ID})
		if reply.Hero.Health != want {
			t.Errorf("from %d it heals to %d, want %d", before, reply.Hero.Health, want)
		}
	}
}

// The clock of the city that gave the order may have been ahead.
func TestADeathIsNeverStampedBeforeTheOrderUnderWhichItHappened(t *testing.T) {
	l := newLab(t)
	gotham := l.city("gotham", 1)
	h := heroOf(l, 50, l.now.Add(time.Minute), l.now.Add(time.Minute), false)
	l.learn(gotham, h)
	dead := l.done(gotham, Retire{Caller: Caller{Name: "alfred", Request: l.id()}, Hero: h.ID}).Tombstone
	if err := dead.Validate(); err != nil || !dead.Version.SameOrder(h.Version) {
		t.Errorf("%+v under %+v: %v", dead.Version, h.Version, err)
	}
}

func TestNothingIsTakenFromCallersThatWouldNotBecomeDurable(t *testing.T) {
	l := newLab(t)
	gotham := l.city("gotham", 1)
	l.done(gotham, Fault{Reason: "the disk is full"})
	brought := crdt.Entries{Heroes: []crdt.Hero{heroOf(l, 50, l.now, l.now, true)}}
	refusedAs(t, "what a caller brings", l.step(gotham, Update{Entries: brought, Source: SourceCaller}), Unavailable)
	refusedAs(t, "an own rule", l.step(gotham, Update{Entries: brought, Source: SourceSelf}), Unavailable)
	if gotham.State().Summary() != (crdt.Summary{}) {
		t.Error("something was merged")
	}
	if reply := l.done(gotham, Update{Entries: brought, Source: SourceGossip}); reply.Changed != 1 {
		t.Error("what a neighbour sends, who still has it, is refused")
	}
	for _, tick := range []Message{Patrol{}, Fight{}} {
		if _, fx := gotham.Step(l.now, nil, tick); fx.Note != NoteStore || len(fx.Changes) > 0 {
			t.Errorf("%T: %+v", tick, fx)
		}
	}
}

// The caller may know of a hero that nobody else does.
func TestWhatAnOrderBringsIsKeptThoughTheOrderIsRefused(t *testing.T) {
	l := newLab(t)
	gotham := l.city("gotham", 1)
	h := heroOf(l, 50, l.now, l.now, false)
	l.done(gotham, Suspect{Reason: "it is an hour ahead"})
	order := Assign{Caller: Caller{Name: "alfred", Request: l.id()}, Hero: h.ID, With: crdt.Entries{Heroes: []crdt.Hero{h}}}
	refusedAs(t, "an order", l.step(gotham, order), Unavailable)
	if got := gotham.State().Record(h.ID).Hero; got != h {
		t.Errorf("the city holds %+v, want %+v", got, h)
	}
}

func TestAnOwnRuleIsRefusedWhileTheClockIsDoubted(t *testing.T) {
	l := newLab(t)
	gotham := l.city("gotham", 1)
	l.done(gotham, Suspect{Reason: "it is an hour ahead"})
	own := crdt.Entries{Heroes: []crdt.Hero{heroOf(l, 50, l.now, l.now, false)}}
	refusedAs(t, "an own rule", l.step(gotham, Update{Entries: own, Source: SourceSelf}), Unavailable)
	if reply := l.done(gotham, Update{Entries: own, Source: SourceCaller}); reply.Changed != 1 {
		t.Error("what a caller brings, which others stamped, is refused")
	}
}

func TestOnlyTheOwnStoreBringsHeroesOfTheFuture(t *testing.T) {
	for _, source := range []Source{SourceCaller, SourceSelf, SourceGossip, SourceSync, SourceStore} {
		l := newLab(t)
		gotham := l.city("gotham", 1)
		h := heroOf(l, 50, l.now, l.now, false)
		l.learn(gotham, h)
		h.Version.HLC = crdt.StampAt(l.now.Add(FutureSkewMax + time.Millisecond))
		reply := l.done(gotham, Update{Entries: crdt.Entries{Heroes: []crdt.Hero{h}}, Source: source})
		if taken := source == SourceStore; (reply.Changed == 1) != taken || (reply.Skipped == 0) != taken {
			t.Errorf("%v: %d changed, %d skipped", source, reply.Changed, reply.Skipped)
		}
	}
}

func TestOrdersThatBringDifferentEntriesAreDifferentRequests(t *testing.T) {
	l := newLab(t)
	order := Assign{Hero: l.id()}
	with := order
	with.With = crdt.Entries{Heroes: []crdt.Hero{heroOf(l, 50, l.now, l.now, false)}}
	home := order
	home.Home = true
	if digestOf(order) == digestOf(with) || digestOf(order) == digestOf(home) || digestOf(order) == digestOf(Retire{Hero: order.Hero}) {
		t.Error("two requests have one digest")
	}
	if digestOf(Create{HeroName: "Robin"}) == digestOf(Create{HeroName: "Robin", Here: true}) {
		t.Error("a creation at home and one here have one digest")
	}
}
