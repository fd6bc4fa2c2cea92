//go:build linux

package city

import (
	"encoding/binary"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/crdt/sketch"
)

const (
	benchHeroes = 1_000_000
	benchOrders = 1_000
)

// How long what readers ask for holds up the writer, at a million heroes: the
// longest turn of the loop and the usual one. The baseline is what readers had
// if a turn were to give them all. The longest also has in it what else the
// machine did meanwhile.
func BenchmarkHold(b *testing.B) {
	core := NewCore(Config{Name: "metropolis"}, 1)
	heroes := benchState(core)
	chance := rand.New(rand.NewPCG(1, 2))
	symbols := make([]uint64, recordsPerTurn)
	ids := make([]crdt.ID, recordsPerTurn)
	for i := range ids {
		h := heroes[chance.IntN(len(heroes))]
		ids[i], symbols[i] = h.ID, h.Fingerprint().Symbol()
	}
	first := heroes[0]
	heroes = nil // they are a burden to the collector of garbage that a city has not
	state, buf := core.State(), []byte(nil)
	cells := make([]sketch.Cell, 0, state.Cells())
	runtime.LockOSThread()
	begun := threadCPU(b)
	state.Page(0, benchHeroes*crdt.HeroBytesMax)
	whole := threadCPU(b) - begun
	for _, turn := range []struct {
		name string
		read func(at crdt.Cursor)
	}{
		{"page", func(at crdt.Cursor) { state.Page(at, PageBytesMax) }},
		{"page-at", func(at crdt.Cursor) { state.PageAt("metropolis", at, PageBytesMax) }},
		{"encoded-page", func(at crdt.Cursor) { buf, _, _, _ = state.AppendPage(buf[:0], at, PageBytesMax) }},
		{"records", func(crdt.Cursor) { recordsOf(state, ids) }},
		{"find", func(crdt.Cursor) { Find(state, symbols) }},
		{"sketch", func(crdt.Cursor) { state.AppendCells(cells, cap(cells)) }},
	} {
		b.Run(turn.name, func(b *testing.B) {
			runtime.LockOSThread()
			var took []time.Duration
			for b.Loop() {
				b.StopTimer()
				for i := range ids[1:] { // as many as may wait for whoever looks
					h, _ := state.Hero(ids[i])
					h.Version.HLC++
					state.MergeHero(h)
				}
				b.StartTimer()
				begun := threadCPU(b)
				turn.read(crdt.Cursor(chance.IntN(benchHeroes)))
				took = append(took, threadCPU(b)-begun)
			}
			reportHold(b, took, whole)
		})
	}
	b.Run("write", func(b *testing.B) {
		runtime.LockOSThread()
		var took []time.Duration
		for b.Loop() {
			h := first
			binary.BigEndian.PutUint64(h.ID[:], chance.Uint64())
			begun := threadCPU(b)
			state.MergeHero(h)
			took = append(took, threadCPU(b)-begun)
		}
		reportHold(b, took, whole)
	})
}

// An order in the core alone, at a million heroes, and as the baseline at a hundred.
func BenchmarkOrder(b *testing.B) {
	large, small := NewCore(Config{Name: "metropolis"}, 1), NewCore(Config{Name: "metropolis"}, 1)
	heroes := benchState(large)
	for _, h := range heroes[:100] {
		small.state.MergeHero(h)
	}
	chance, spent := rand.New(rand.NewPCG(5, 6)), [2]time.Duration{}
	orders := 0
	runtime.LockOSThread()
	for b.Loop() {
		for i, n := range []int{100, len(heroes)} {
			core := []*Core{small, large}[i]
			begun := threadCPU(b)
			for range benchOrders {
				var request crdt.ID
				orders++
				binary.BigEndian.PutUint64(request[:], uint64(orders))
				order := Assign{Caller: Caller{Name: "a caller", Request: request}, Hero: heroes[chance.IntN(n)].ID}
				if r, _ := core.Step(time.Now(), nil, order); r.Err != nil {
					b.Fatal(r.Err)
				}
			}
			spent[i] += threadCPU(b) - begun
		}
	}
	each := func(i int) float64 { return float64(spent[i].Nanoseconds()) / float64(orders/2) }
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(each(0), "100-ns")
	b.ReportMetric(each(1), "1m-ns")
	b.ReportMetric(each(1)/each(0), "1m/100")
}

// threadCPU is the time that this thread has spent.
func threadCPU(b *testing.B) time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		b.Fatal(err)
	}
	return time.Duration(t.Nano())
}

// benchState fills a city.
func benchState(core *Core) []crdt.Hero {
	chance := rand.New(rand.NewPCG(3, 4))
	heroes := make([]crdt.Hero, benchHeroes)
	for i := range heroes {
		h := &heroes[i]
		binary.BigEndian.PutUint64(h.ID[:], chance.Uint64())
		binary.BigEndian.PutUint64(h.ID[8:], chance.Uint64()|1)
		h.Name, h.Location, h.Health = "Hero "+strconv.Itoa(i), "metropolis", 50
		h.Version.HLC = crdt.Stamp(i + 1)
		core.state.MergeHero(*h)
	}
	return heroes
}

func reportHold(b *testing.B, took []time.Duration, whole time.Duration) {
	slices.Sort(took)
	micros := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(micros(took[len(took)/2]), "p50-us")
	b.ReportMetric(micros(took[len(took)*999/1000]), "p99.9-us")
	b.ReportMetric(micros(took[len(took)-1]), "longest-us")
	b.ReportMetric(float64(took[len(took)-1])/float64(whole), "longest/whole")
}
