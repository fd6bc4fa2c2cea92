package store_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/store"
	"github.com/citynode/citynode/internal/store/storetest"
)

const (
	benchHeroes  = 1_000_000
	benchCallers = 64
	benchTurns   = 5
	benchTurn    = 400 * time.Millisecond
)

// filled is a store on the disk with a million heroes, in which nothing is running.
func filled(b *testing.B, place dir) *store.Store {
	b.Helper()
	s := opened(b, place)
	for n := 0; n < benchHeroes; n += 1000 {
		batch := store.Batch{Epoch: s.Epoch(), Lazy: true}
		for i := range 1000 {
			batch.Entries.Heroes = append(batch.Entries.Heroes, storetest.Hero(n+i, 1))
		}
		if err := s.Commit(batch); err != nil {
			b.Fatal(err)
		}
	}
	return s
}

func opened(b *testing.B, place dir) *store.Store {
	b.Helper()
	s, err := place.Open(storetest.Config())
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// rate is how many times a second the callers get through commit in one turn.
func rate(b *testing.B, commit func(n int) error) float64 {
	b.Helper()
	began, counts := time.Now(), make([]int, benchCallers)
	var done sync.WaitGroup
	for c := range benchCallers {
		done.Go(func() {
			for time.Since(began) < benchTurn {
				if err := commit(c*10_000 + counts[c]); err != nil {
					b.Error(err)
					return
				}
				counts[c]++
			}
		})
	}
	done.Wait()
	total := 0
	for _, n := range counts {
		total += n
	}
	return float64(total) / time.Since(began).Seconds()
}

// BenchmarkCommit has 64 callers commit a hero each into a store of a million, and,
// in turns with that, append the same bytes to a file and sync it, one at a time.
func BenchmarkCommit(b *testing.B) {
	s := filled(b, dir(filepath.Join(b.TempDir(), "city")))
	defer s.Close()
	f, err := os.Create(filepath.Join(b.TempDir(), "log"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	var one sync.Mutex // guards f
	appends := func(n int) error {
		one.Lock()
		defer one.Unlock()
		if _, err := f.Write(crdt.AppendHero(nil, storetest.Hero(n, 2))); err != nil {
			return err
		}
		return f.Sync()
	}
	commits := func(n int) error {
		return s.Commit(store.Batch{Epoch: 1, Entries: crdt.Entries{Heroes: []crdt.Hero{storetest.Hero(n, 2)}}})
	}
	var stored, appended, ratios []float64
	for range benchTurns {
		appended, stored = append(appended, rate(b, appends)), append(stored, rate(b, commits))
		ratios = append(ratios, stored[len(stored)-1]/appended[len(appended)-1])
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(stored), "commits/s")
	b.ReportMetric(median(appended), "appends/s")
	b.ReportMetric(median(ratios), "commits/append")
}

// BenchmarkWitness has 64 callers commit a hero each into a store whose witness is
// written a hundred times a second, and, in turns with that, into one whose witness is not
// written meanwhile. A hundredth of what it costs is the cost of a witness once a second,
// which is too little to be seen.
func BenchmarkWitness(b *testing.B) {
	const pairs = 15
	commits := func(pause time.Duration) func(int) error {
		s, err := store.OpenWitnessed(filepath.Join(b.TempDir(), "city"), storetest.Config(), pause)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { s.Close() })
		return func(n int) error { return s.Commit(hero(n, false)) }
	}
	often, never := commits(10*time.Millisecond), commits(time.Hour)
	var ratios []float64
	for range pairs {
		without := rate(b, never)
		ratios = append(ratios, rate(b, often)/without)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(ratios), "witnessed-100-times-a-second/not")
}

func median(of []float64) float64 { return slices.Sorted(slices.Values(of))[len(of)/2] }

// BenchmarkLoad opens and reads a store of a million heroes.
func BenchmarkLoad(b *testing.B) {
	place := dir(filepath.Join(b.TempDir(), "city"))
	if err := filled(b, place).Close(); err != nil {
		b.Fatal(err)
	}
	before := residentMB()
	began := time.Now()
	s := opened(b, place)
	defer s.Close()
	open := time.Since(began)
	began = time.Now()
	n := 0
	if err := s.Load(b.Context(), func(p store.Part) error { n = p.Loaded; return nil }); err != nil || n != benchHeroes {
		b.Fatal(n, err)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(open.Seconds(), "open-s")
	b.ReportMetric(time.Since(began).Seconds(), "load-s")
	b.ReportMetric(residentMB()-before, "resident-MB")
	b.ReportMetric(diskMB(b, string(place)), "disk-MB")
}

// residentMB is the memory of the process, 0 where the system does not tell it so.
func residentMB() float64 {
	runtime.GC()
	text, _ := os.ReadFile("/proc/self/statm")
	if fields := strings.Fields(string(text)); len(fields) > 1 {
		pages, _ := strconv.Atoi(fields[1])
		return float64(pages) * float64(os.Getpagesize()) / 1e6
	}
	return 0
}

func diskMB(b *testing.B, place string) float64 {
	total := int64(0)
	err := filepath.Walk(place, func(_ string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			total += info.Size()
		}
		return err
	})
	if err != nil {
		b.Fatal(fmt.Errorf("size of the store: %w", err))
	}
	return float64(total) / 1e6
}
