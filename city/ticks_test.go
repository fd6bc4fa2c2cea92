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
