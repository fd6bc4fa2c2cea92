//go:build linux

package hostile

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/citynode/citynode/crdt"
)

// What every attack leaves to the others.
const (
	// slowdownMax is how many times as long as before the 99th of a hundred honest
	// calls may take. Below p99Floor there is nothing to complain of: two processes
	// that share a processor wait that long for each other without any attack.
	slowdownMax = 3
	p99Floor    = 10 * time.Millisecond
	// residentMore is by how much a city's memory may grow, at any moment.
	residentMore = 64 << 20
	// heapMore is by how much what a city holds on to may have grown after an attack:
	// what it remembers of strangers on purpose, all bounds taken together.
	heapMore = 16 << 20
	// equalMax is when all cities must hold the same after an attack.
	equalMax = 10 * time.Second
	// errorsMax is how many lines at level ERROR a city may log: one a peer and minute, of
	// a few kinds, whatever is done to it.
	errorsMax = 10
	// lookEvery is the pause between two looks.
	lookEvery = 100 * time.Millisecond
	// settleFor is for how long a trial leaves the cities alone before it measures.
	settleFor = 2 * time.Second
)

// A cluster is three cities that know each other, and a caller of each.
type cluster struct {
	cities  []*running
	callers []*caller
}

// newCluster starts a city for each task. All but the first are told of the first.
func newCluster(t *testing.T, tasks ...cityTask) *cluster {
	t.Helper()
	needNamespace(t)
	c := &cluster{}
	for i, task := range tasks {
		if i > 0 {
			task.Bootstrap = append(task.Bootstrap, c.cities[0].addr)
		}
		c.cities = append(c.cities, startCity(t, task))
	}
	await(t, startMax, "the cities know each other", func() bool {
		return !slices.ContainsFunc(c.cities, func(r *running) bool { return len(r.vitals(t).Alive) < len(tasks)-1 })
	})
	for i, r := range c.cities {
		c.callers = append(c.callers, newCaller(t, fmt.Sprintf("%s.9.%d", privateNet, i+1), r.info))
	}
	return c
}

// threeCities are the tasks of three cities with ordinary settings, that listen on
// private addresses and on loopback.
func threeCities() []cityTask {
	var tasks []cityTask
	for i, name := range []string{"gotham", "metropolis", "star"} {
		at := fmt.Sprintf("%s.1.%d", privateNet, i+1)
		tasks = append(tasks, cityTask{Name: name, Listen: []string{
			"/ip4/" + at + "/tcp/4100", "/ip4/" + at + "/udp/4100/quic-v1", "/ip4/" + loopback + "/tcp/" + fmt.Sprint(4100+i),
		}})
	}
	return tasks
}

// A report is what an attack did to the cities.
type report struct {
	quiet, during, after figures
	memory               []memoryUse         // by city
	errors               map[string][]string // of the log, by city
	counts               map[string]int
	lasted               time.Duration // the attack
	equal                time.Duration // how long it took until all held the same
}

// A memoryUse is what a city takes of it, in bytes: resident at most while it was quiet and
// in all, and in use before and after.
type memoryUse struct {
	name           string
	resident, most int
	heap, heapLeft uint64
}

// endure attacks the cities for as long as attacks last, and measures. meanwhile, which may
// be nil, runs after that and is attacked still: what it does is work for the cities too,
// so that it is not measured.
func (c *cluster) endure(t *testing.T, task attackTask, meanwhile func(*assault)) (r report) {
	t.Helper()
	r.errors = map[string][]string{}
	<-time.After(settleFor)
	for _, city := range c.cities { // as tidy as it can be, which it is at the end again
		r.memory = append(r.memory, memoryUse{name: city.name, heap: city.vitals(t).Heap})
	}
	r.quiet = c.callDuring(t, &r, func() { <-time.After(*attackFor) })
	for i := range r.memory {
		r.memory[i].resident = r.memory[i].most
	}
	attack, begun := startAttack(t, task, c.cities), time.Now()
	r.during = c.callDuring(t, &r, func() {
		<-time.After(*attackFor)
		attack.awaitCounted(t, task.Shown)
	})
	if meanwhile != nil {
		c.callDuring(t, &r, func() { meanwhile(attack) })
	}
	r.counts = attack.counts(t)
	attack.end(t)
	r.lasted = time.Since(begun)
	begun = time.Now()
	await(t, equalMax, "all cities hold the same", func() bool { return c.equal(t) })
	r.equal = time.Since(begun)
	r.after = c.callFor(t, *attackFor)
	for i, city := range c.cities {
		r.memory[i].heapLeft = city.vitals(t).Heap
		r.errors[city.name] = city.said(`"level":"ERROR"`)
	}
	t.Log(r)
	return r
}

// callFor has the callers call for so long.
func (c *cluster) callFor(t *testing.T, long time.Duration) figures {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), long)
	defer cancel()
	return measure(ctx, c.callers)
}

// callDuring has the callers call while f runs, and notes the most memory that each city
// takes meanwhile.
func (c *cluster) callDuring(t *testing.T, r *report, f func()) (figs figures) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	called := make(chan figures, 1)
	go func() { called <- measure(ctx, c.callers) }()
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		for ctx.Err() == nil {
			for i, city := range c.cities {
				r.memory[i].most = max(r.memory[i].most, city.resident(t))
			}
			<-time.After(lookEvery)
		}
	}()
	defer func() { <-watched }()
	defer func() { cancel(); figs = <-called }()
	f()
	return figs
}

// equal reports whether all cities hold the same.
func (c *cluster) equal(t *testing.T) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), atMost(callMax))
	defer cancel()
	var first crdt.Summary
	for i, caller := range c.callers {
		if caller.client == nil && caller.call(ctx) != nil {
			return false
		}
		info, err := caller.client.Info(ctx)
		if err != nil {
			return false
		}
		if i == 0 {
			first = info.Summary
		}
		if info.Summary != first {
			return false
		}
	}
	return true
}

// judge fails the test where the attack took more from the others than any may.
func (r report) judge(t *testing.T) {
	t.Helper()
	most := max(slowdownMax*r.quiet.p99(), p99Floor)
	for when, f := range map[string]figures{"during": r.during, "after": r.after} {
		if f.p99() > most && !*short {
			t.Errorf("%s the attack p99 is %v, want at most %v", when, f.p99(), most)
		}
		if len(f.failed) > 0 {
			t.Errorf("%s the attack %d calls failed, the first: %v", when, len(f.failed), f.failed[0])
		}
	}
	for name, lines := range r.errors {
		if len(lines) > errorsMax {
			t.Errorf("%s logs %d errors, want at most %d; the last: %s", name, len(lines), errorsMax, lines[len(lines)-1])
		}
	}
	for _, m := range r.memory {
		if more := m.most - m.resident; more > residentMore {
			t.Errorf("%s took %d MiB more, want at most %d", m.name, more>>20, residentMore>>20)
		}
		if m.heapLeft > m.heap+heapMore {
			t.Errorf("%s has kept %d MiB, want at most %d", m.name, (m.heapLeft-m.heap)>>20, heapMore>>20)
		}
	}
}

// String tells the report in a few lines.
func (r report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "\nattack: %v\nbefore: %v\nduring: %v\nafter:  %v\nequal after %v\n", r.lasted.Round(time.Second), r.quiet, r.during, r.after, r.equal.Round(time.Millisecond))
	for _, m := range r.memory {
		fmt.Fprintf(&b, "%s: resident %d MiB, at most %+d; in use %.1f MiB, after it %+.1f\n",
			m.name, m.resident>>20, (m.most-m.resident)>>20, float64(m.heap)/(1<<20), (float64(m.heapLeft)-float64(m.heap))/(1<<20))
	}
	for _, name := range slices.Sorted(maps.Keys(r.errors)) {
		if n := len(r.errors[name]); n > 0 {
			fmt.Fprintf(&b, "%s: %d errors in its log\n", name, n)
		}
	}
	for _, word := range slices.Sorted(maps.Keys(r.counts)) {
		fmt.Fprintf(&b, "attacker: %d %s\n", r.counts[word], word)
	}
	return b.String()
}

// await looks until something holds.
func await(t *testing.T, within time.Duration, what string, holds func() bool) {
	t.Helper()
	within = atMost(within)
	for end := time.Now().Add(within); !holds(); <-time.After(lookEvery) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", within, what)
		}
	}
}
