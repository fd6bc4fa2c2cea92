package city

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/citynode/citynode/crdt"
)

// tick has the city do one tick, with a chance of that seed.
func (l *lab) tick(c *Core, seed uint64, m Message) Effects {
	_, fx := c.Step(l.now, rand.New(rand.NewPCG(seed, 1)), m)
	return fx
}

func TestAHeroDiesOfDamageThatIsAllItsHealth(t *testing.T) {
	for health, dies := range map[uint8]bool{4: true, 5: true, 6: false} {
		l := newLab(t)
		gotham := NewCore(Config{Name: "gotham", Replica: 1, DamageMin: 5, DamageMax: 5}, 1)
		h := heroOf(l, health, l.now, l.now, true)
		l.learn(gotham, h)
		l.tick(gotham, 1, Fight{})
		if r := gotham.State().Record(h.ID); (r.Kind == crdt.KindTombstone) != dies || !dies && r.Hero.Health != health-5 {
			t.Errorf("with health %d after a damage of 5: %+v", health, r)
		}
	}
}

func TestEveryDamageBetweenItsBoundsHappens(t *testing.T) {
	seen := map[int]bool{}
	for seed := range uint64(200) {
		l := newLab(t)
		gotham := NewCore(Config{Name: "gotham", Replica: 1, DamageMin: 3, DamageMax: 6}, 1)
		h := heroOf(l, 100, l.now, l.now, true)
		l.learn(gotham, h)
		l.tick(gotham, seed, Fight{})
		seen[100-int(gotham.State().Record(h.ID).Hero.Health)] = true
	}
	if len(seen) != 4 || !seen[3] || !seen[6] {
		t.Errorf("damages %v, want 3 to 6", seen)
	}
}

// What a tick writes must not be skipped by neighbours whose clocks are a little late.
func TestTicksPassOverHeroesStampedFarAhead(t *testing.T) {
	for ahead, picked := range map[time.Duration]bool{OwnSkewMax - time.Second: true, OwnSkewMax + time.Second: false} {
		l := newLab(t)
		gotham := l.city("gotham", 1)
		l.learn(gotham, heroOf(l, 100, l.now, l.now.Add(ahead), false))
		fx := l.tick(gotham, 1, Patrol{})
		if (len(fx.Changes) == 1) != picked || (fx.Note == NoteNobodyToPatrol) == picked {
			t.Errorf("%v ahead: %+v", ahead, fx)
		}
	}
}

func TestOneHeroStampedFarAheadDoesNotEndATick(t *testing.T) {
	for seed := range uint64(20) {
		l := newLab(t)
		gotham := l.city("gotham", 1)
		late := l.now.Add(OwnSkewMax + time.Second)
		l.learn(gotham, heroOf(l, 100, l.now, late, false))
		l.learn(gotham, heroOf(l, 100, l.now, l.now, false))
		if fx := l.tick(gotham, seed, Patrol{}); len(fx.Changes) != 1 {
			t.Errorf("seed %d: %+v", seed, fx)
		}
	}
}

func TestAFightIsFoughtWhereverOneOfManyPatrols(t *testing.T) {
	for seed := range uint64(20) {
		l := newLab(t)
		gotham := l.city("gotham", 1)
		for range 9 {
			l.learn(gotham, heroOf(l, 100, l.now, l.now, false))
		}
		patrols := heroOf(l, 100, l.now, l.now, true)
		l.learn(gotham, patrols)
		if fx := l.tick(gotham, seed, Fight{}); len(fx.Changes) != 1 || fx.Changes[0].ID != patrols.ID {
			t.Errorf("seed %d: %+v", seed, fx)
		}
	}
}

// Another peer may have the same name, or may have had it, and then it is that peer's to
// write under its order.
func TestTicksPassOverHeroesUnderTheOrderOfAnotherPeer(t *testing.T) {
	for seed := range uint64(20) {
		l := newLab(t)
		gotham := l.city("gotham", 2)
		for range 5 {
			l.learn(gotham, heroOf(l, 100, l.now, l.now, true))
		}
		own := heroOf(l, 100, l.now, l.now, true)
		own.Version.Replica = 2
		l.learn(gotham, own)
		for _, c := range l.tick(gotham, seed, Fight{}).Changes {
			if c.ID != own.ID {
				t.Errorf("seed %d: it fought %+v", seed, c.Old.Hero)
			}
		}
		if got := gotham.State().Record(own.ID).Hero; got.Health == 100 {
			t.Errorf("seed %d: the own hero did not fight", seed)
		}
	}
}

func TestAnOwnRulePassesOverHeroesThatTheCityDoesNotTend(t *testing.T) {
	for fact, row := range map[string]struct {
		change  func(held, write *crdt.Hero)
		changed int
	}{
		"its own":                       {func(_, _ *crdt.Hero) {}, 1},
		"under another's order":         {func(h, w *crdt.Hero) { h.Version.Replica, w.Version.Replica = 7, 7 }, 0},
		"elsewhere":                     {func(h, w *crdt.Hero) { h.Location, w.Location = "metropolis", "metropolis" }, 0},
		"written under an order anew":   {func(_, w *crdt.Hero) { w.Version.Assigned = w.Version.HLC }, 0},
		"not known to the city at all":  {func(_, w *crdt.Hero) { w.ID[15]++ }, 0},
		"written as if by another peer": {func(_, w *crdt.Hero) { w.Version.Replica = 7 }, 0},
	} {
		l := newLab(t)
		gotham := l.city("gotham", 1)
		held := heroOf(l, 100, l.now, l.now, true)
		write := held
		write.Health, write.Version.HLC = 50, held.Version.HLC.Next()
		row.change(&held, &write)
		l.learn(gotham, held)
		reply := l.done(gotham, Update{Entries: crdt.Entries{Heroes: []crdt.Hero{write}}, Source: SourceSelf})
		if reply.Changed != row.changed || (gotham.State().Record(held.ID).Hero == held) != (row.changed == 0) {
			t.Errorf("%s: %d changed, it holds %+v", fact, reply.Changed, gotham.State().Record(held.ID).Hero)
		}
	}
}

func TestAnOwnRuleEndsOnlyHeroesThatTheCityTends(t *testing.T) {
	for replica, changed := range map[crdt.ReplicaID]int{1: 1, 7: 0} {
		l := newLab(t)
		gotham := l.city("gotham", 1)
		h := heroOf(l, 100, l.now, l.now, true)
		h.Version.Replica = replica
		l.learn(gotham, h)
		death := crdt.Tombstone{ID: h.ID, Version: h.Version}
		reply := l.done(gotham, Update{Entries: crdt.Entries{Tombstones: []crdt.Tombstone{death}}, Source: SourceSelf})
		if reply.Changed != changed {
			t.Errorf("under an order of replica %d: %d changed", replica, reply.Changed)
		}
	}
}

// After the clock has gone back, all but one of the heroes may be stamped too far ahead.
func TestTheOneHeroOnWhichACityMayWriteIsFoundAmongMany(t *testing.T) {
	l := newLab(t)
	gotham := l.city("gotham", 1)
	for n := range 5000 {
		late := heroOf(l, 100, l.now, l.now.Add(time.Hour+time.Duration(n)*time.Millisecond), n%2 == 0)
		late.ID = numberedID(n)
		l.learn(gotham, late)
	}
	ready := heroOf(l, 100, l.now, l.now, false)
	l.learn(gotham, ready)
	if fx := l.tick(gotham, 1, Patrol{}); len(fx.Changes) != 1 || fx.Changes[0].ID != ready.ID {
		t.Fatalf("the patrol: %+v", fx)
	}
	if fx := l.tick(gotham, 1, Fight{}); len(fx.Changes) != 1 || fx.Changes[0].ID != ready.ID {
		t.Errorf("the fight: %+v", fx)
	}
	l.now = l.now.Add(2 * time.Hour)
	seen := map[crdt.ID]bool{}
	for seed := range uint64(50) {
		for _, c := range l.tick(gotham, seed, Fight{}).Changes {
			seen[c.ID] = true
		}
	}
	if len(seen) < 10 {
		t.Errorf("of those that are due %d fight", len(seen))
	}
}

// Heroes that were tended are passed over once the clock has gone back, and only then.
func TestAClockThatGoesBackStopsNoTickForLong(t *testing.T) {
	l := newLab(t)
	gotham := l.city("gotham", 1)
	for n := range 1000 {
		h := heroOf(l, 100, l.now, l.now, false)
		h.ID = numberedID(n)
		l.learn(gotham, h)
	}
	l.tick(gotham, 1, Patrol{})
	l.now = l.now.Add(-time.Hour)
	ready := heroOf(l, 100, l.now, l.now, false)
	l.learn(gotham, ready)
	if fx := l.tick(gotham, 1, Patrol{}); len(fx.Changes) != 1 || fx.Changes[0].ID != ready.ID {
		t.Errorf("after it: %+v", fx)
	}
}

// A clock that has gone back a little catches up soon, so nobody is looked at anew.
func TestAClockThatGoesBackALittleHasTicksPassOverWhatIsTooFarAhead(t *testing.T) {
	for seed := range uint64(20) {
		l := newLab(t)
		gotham := l.city("gotham", 1)
		late := heroOf(l, 100, l.now, l.now.Add(OwnSkewMax), true)
		l.learn(gotham, late)
		l.tick(gotham, seed, Patrol{})
		l.now = l.now.Add(-clockBackMin / 2)
		if fx := l.tick(gotham, seed, Fight{}); len(fx.Changes) != 0 {
			t.Fatalf("seed %d: it writes %+v", seed, fx.Changes)
		}
		ready := heroOf(l, 100, l.now, l.now, true)
		l.learn(gotham, ready)
		if fx := l.tick(gotham, seed, Fight{}); len(fx.Changes) != 1 || fx.Changes[0].ID != ready.ID {
			t.Errorf("seed %d: %+v", seed, fx)
		}
	}
}
