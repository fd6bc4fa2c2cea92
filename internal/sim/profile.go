package sim

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// profile is how large and how bad a run is. Each fault is left out of some
// runs, so that one does not hide what another would show.
type profile struct {
	cities      int
	dispatchers int
	heroes      int // that dispatchers create before they order about the same ones
	faultsLast  time.Duration

	tickEvery     time.Duration
	orderEvery    time.Duration // of one dispatcher
	presenceEvery time.Duration
	syncEvery     time.Duration
	pageBytes     int
	bulkOver      int // from how many differences on whole states are sent

	delay      time.Duration // of most messages; some take ten times as long
	lossPermil int           // of deltas, presences, calls and answers
	dupPermil  int           // of deltas
	cutPermil  int           // of messages of a sync session: the session ends

	namesakes bool // the first two cities have one name
	forgers   bool // dispatchers send altered copies under the same version
	crowded   bool // some cities have room for few entries, and a stranger invents heroes
	flooded   bool // strangers invent more heroes than cities take
	freezer   bool // somebody stamps heroes as far ahead as cities just take

	bornEvery time.Duration // once there are that many heroes, and as rarely one is retired; 0: as orders come
	recent    uint64        // most orders are about so many heroes, the last ones; 0: about any
	damageMax int           // of a fight; 0: the default

	stores      bool // cities have durable stores
	commitTakes time.Duration
	hangPermil  int           // of commits: the disk hangs for seconds
	failPermil  int           // of commits: the disk fails for seconds
	loadTakes   time.Duration // at a start
	// waitingBytesMax bounds what others sent that waits for a commit.
	waitingBytesMax int

	crashEvery     time.Duration // 0: never
	killEvery      time.Duration // 0: never
	powerCuts      bool          // some kills are of the machine
	bombEvery      time.Duration // 0: never
	partitionEvery time.Duration // 0: never
	oneWay         bool          // some partitions cut one direction only
	jumpEvery      time.Duration // 0: clocks do not jump

	clocks       clockKind
	clocksHealed bool // after the faults all clocks are right
}

// clockKind is how wrong clocks are.
type clockKind uint8

const (
	clocksRight clockKind = iota
	clocksClose           // within 2 s
	clocksFar             // within 55 s
	clocksEdge            // 45 s to 65 s apart: about the bounds
	clocksWild            // within an hour
	clockKinds
)

func (k clockKind) String() string {
	return [...]string{"right", "close", "far", "edge", "wild"}[k]
}

// citiesMin and citiesMax bound how many cities there are.
const citiesMin, citiesMax = 2, 6

func drawProfile(rng *rand.Rand) profile {
	p := profile{
		cities:        citiesMin + rng.IntN(citiesMax-citiesMin+1),
		dispatchers:   1 + rng.IntN(4),
		heroes:        2 + rng.IntN(16),
		faultsLast:    seconds(rng, 30, 120),
		tickEvery:     millis(rng, 300, 3000),
		orderEvery:    millis(rng, 200, 3000),
		presenceEvery: seconds(rng, 2, 10),
		syncEvery:     millis(rng, 500, 8000),
		pageBytes:     100 + rng.IntN(2000),
		bulkOver:      oneOf(rng, 1, 8, 128),
		delay:         oneOf(rng, 2*time.Millisecond, 20*time.Millisecond, 200*time.Millisecond, time.Second),
		lossPermil:    oneOf(rng, 0, 20, 200, 500, 1000),
		dupPermil:     oneOf(rng, 0, 0, 100, 500),
		cutPermil:     oneOf(rng, 0, 10, 100, 300),
		oneWay:        rng.IntN(2) == 0,
		clocks:        clockKind(rng.IntN(int(clockKinds))),
		clocksHealed:  rng.IntN(2) == 0,
		forgers:       rng.IntN(4) == 0,
	}
	p.crashEvery = sometimes(rng, seconds(rng, 5, 30))
	p.bombEvery = sometimes(rng, seconds(rng, 5, 30))
	p.partitionEvery = sometimes(rng, seconds(rng, 3, 20))
	if p.clocks > clocksClose {
		p.jumpEvery = sometimes(rng, seconds(rng, 5, 30))
	}
	p.drawStore(rng)
	// No draws of their own, so the other faults of a seed stay what they were.
	p.freezer, p.crowded, p.flooded = p.heroes%4 == 0, p.heroes%4 == 1, p.heroes%4 == 2
	return p
}

const (
	// longFaults is how long the faults of a long run last before a calm.
	longFaults = 30 * time.Minute
	// longBirths is about how many heroes are born in a long run, however long it
	// is: tombstones are kept for ever, and each check looks at all of them.
	longBirths = 2500
	// longBornEvery is what passes at least between two births.
	longBornEvery = 30 * time.Second
	// longRecent is so many that some of them live at any time.
	longRecent = 48
	// longDamageMax is so little that those who are ordered about live for long.
	longDamageMax = 3
	// longBombs is by how much bombs are rarer, for what is bombed everywhere
	// within seconds is gone, and nothing would ever grow old.
	longBombs = 30
	// longPages is by how much pages are larger, as states are: whoever is given a
	// whole state on the slowest disk must be done within a calm.
	longPages = 10
)

// lengthen makes the profile that of a run which lasts that long: heroes live as
// long as there are orders, and only so many are ever born.
func (p *profile) lengthen(last time.Duration) {
	p.faultsLast = longFaults
	p.bornEvery = max(last/longBirths, longBornEvery)
	p.recent = longRecent
	p.damageMax = longDamageMax
	p.bombEvery *= longBombs
	p.pageBytes *= longPages
	p.stores = true
	p.flooded = false // each check looks at all that was ever invented
}

// redrawn returns another profile for the same cluster, with other faults.
func (p *profile) redrawn(rng *rand.Rand, last time.Duration) profile {
	next := drawProfile(rng)
	next.cities, next.dispatchers, next.heroes = p.cities, p.dispatchers, p.heroes
	next.namesakes, next.forgers = p.namesakes, p.forgers
	next.lengthen(last)
	return next
}

func (p *profile) drawStore(rng *rand.Rand) {
	p.stores = rng.IntN(4) > 0
	p.commitTakes = oneOf(rng, 100*time.Microsecond, 2*time.Millisecond, 20*time.Millisecond, 300*time.Millisecond)
	p.hangPermil = oneOf(rng, 0, 0, 2, 20)
	p.failPermil = oneOf(rng, 0, 0, 5, 50)
	p.loadTakes = oneOf(rng, time.Millisecond, 20*time.Millisecond, time.Second)
	p.waitingBytesMax = oneOf(rng, 100, 1000, 64<<10)
	p.killEvery = sometimes(rng, seconds(rng, 5, 30))
	p.powerCuts = rng.IntN(2) == 0
}

// offset draws how wrong one clock is.
func (p profile) offset(rng *rand.Rand) time.Duration {
	within := func(d time.Duration) time.Duration { return time.Duration(rng.Int64N(int64(2*d))) - d }
	switch p.clocks {
	case clocksClose:
		return within(2 * time.Second)
	case clocksFar:
		return within(55 * time.Second)
	case clocksEdge:
		if rng.IntN(2) == 0 {
			return within(time.Second)
		}
		return 55*time.Second + within(10*time.Second)
	case clocksWild:
		if rng.IntN(2) == 0 {
			return within(time.Second)
		}
		return within(time.Hour)
	default:
		return 0
	}
}

// drift draws how wrong one clock's speed is.
func (p profile) drift(rng *rand.Rand) int64 {
	if p.clocks < clocksFar || rng.IntN(2) == 0 {
		return 0
	}
	return rng.Int64N(2*driftMax) - driftMax
}

func (p profile) String() string {
	return fmt.Sprintf("%d cities, %d dispatchers, %d heroes, faults for %v, ticks %v, orders %v, syncs %v, "+
		"pages %d bytes, bulk over %d, delay %v, loss %d‰, copies %d‰, cuts %d‰, crashes %v, bombs %v, partitions %v (one-way %t), "+
		"clocks %v (jumps %v, healed %t), namesakes %t, forgers %t, freezer %t, crowded %t, flooded %t, kills %v (power %t), stores %t (commits %v, hangs %d‰, fail %d‰, load %v, waiting %d)",
		p.cities, p.dispatchers, p.heroes, p.faultsLast, p.tickEvery, p.orderEvery, p.syncEvery,
		p.pageBytes, p.bulkOver, p.delay, p.lossPermil, p.dupPermil, p.cutPermil, p.crashEvery, p.bombEvery, p.partitionEvery, p.oneWay,
		p.clocks, p.jumpEvery, p.clocksHealed, p.namesakes, p.forgers, p.freezer, p.crowded, p.flooded, p.killEvery, p.powerCuts,
		p.stores, p.commitTakes, p.hangPermil, p.failPermil, p.loadTakes, p.waitingBytesMax)
}

func seconds(rng *rand.Rand, from, to int) time.Duration {
	return time.Duration(from+rng.IntN(to-from+1)) * time.Second
}

func millis(rng *rand.Rand, from, to int) time.Duration {
	return time.Duration(from+rng.IntN(to-from+1)) * time.Millisecond
}

func oneOf[T any](rng *rand.Rand, choices ...T) T { return choices[rng.IntN(len(choices))] }

func sometimes(rng *rand.Rand, d time.Duration) time.Duration {
	if rng.IntN(2) == 0 {
		return 0
	}
	return d
}
