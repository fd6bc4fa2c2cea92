package sim

import (
	"bytes"
	"flag"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	seedsFlag = flag.Int("sim.seeds", 1000, "how many seeds TestSeeds plays")
	seedFlag  = flag.Uint64("sim.seed", 0, "play this seed only; 0: all")
	hoursFlag = flag.Float64("sim.hours", 0, "play each seed for that many virtual hours, of faults and calm in turn")
	traceFlag = flag.Bool("sim.trace", false, "print what happens; with -sim.seed")
)

// fewSeeds is how many are played with -short and under the race detector,
// which has little to find in one goroutine.
const fewSeeds = 50

func TestSeeds(t *testing.T) {
	if *seedFlag != 0 {
		playOne(t, *seedFlag)
		return
	}
	seeds := *seedsFlag
	if testing.Short() || raceEnabled {
		seeds = min(seeds, fewSeeds)
	}
	var total Counts
	for _, r := range playAll(t, Config{Last: last()}, seeds) {
		if r.err != nil {
			t.Error(r.err)
		}
		total.add(r.report.Counts)
	}
	t.Logf("%d seeds: %+v", seeds, total)
}

// last is how long a seed is played.
func last() time.Duration { return time.Duration(*hoursFlag * float64(time.Hour)) }

func playOne(t *testing.T, seed uint64) {
	cfg := Config{Seed: seed, Last: last()}
	if *traceFlag {
		cfg.Trace = os.Stdout
	}
	heaps := &heapLog{every: heapEvery, half: cfg.Last / 2}
	if cfg.Last > 0 {
		cfg.Calm = func(r Report) { heaps.look(t, r) }
	}
	begun := time.Now()
	report, err := Run(cfg)
	t.Logf("%+v", report)
	if err != nil {
		t.Error(err)
	}
	if cfg.Last > 0 {
		t.Logf("%v in %v", report.Virtual.Round(time.Second), time.Since(begun).Round(time.Second))
		heaps.judge(t)
	}
}

type played struct {
	report Report
	err    error
}

// playAll plays the seeds from 1 on, on all processors.
func playAll(t *testing.T, cfg Config, seeds int) []played {
	t.Helper()
	results := make([]played, seeds)
	var next atomic.Int64
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := next.Add(1) - 1; i < int64(seeds); i = next.Add(1) - 1 {
				mine := cfg
				mine.Seed = uint64(i + 1)
				results[i].report, results[i].err = Run(mine)
			}
		})
	}
	workers.Wait()
	return results
}

func (c *Counts) add(o Counts) {
	c.Heroes += o.Heroes
	c.Tombstones += o.Tombstones
	c.Writes += o.Writes
	c.Orders += o.Orders
	c.Refusals += o.Refusals
	c.Remembered += o.Remembered
	c.Crashes += o.Crashes
	c.Kills += o.Kills
	c.PowerCuts += o.PowerCuts
	c.Bombs += o.Bombs
	c.Partitions += o.Partitions
	c.Jumps += o.Jumps
	c.Commits += o.Commits
	c.StoreFaults += o.StoreFaults
	c.Deltas += o.Deltas
	c.DeltasLost += o.DeltasLost
	c.Syncs += o.Syncs
	c.SyncsFailed += o.SyncsFailed
	c.Skipped += o.Skipped
	c.Suspicions += o.Suspicions
	c.OpenedAlone += o.OpenedAlone
	c.PutOff += o.PutOff
}

func TestTheSameSeedGivesTheSameRun(t *testing.T) {
	for seed := uint64(1); seed <= 10; seed++ {
		var traces [2]bytes.Buffer
		var reports [2]Report
		for i := range reports {
			reports[i], _ = Run(Config{Seed: seed, Trace: &traces[i]})
		}
		if reports[0] != reports[1] {
			t.Errorf("seed %d: %+v, then %+v", seed, reports[0], reports[1])
		}
		if !bytes.Equal(traces[0].Bytes(), traces[1].Bytes()) {
			t.Errorf("seed %d: the traces differ", seed)
		}
	}
}

func TestTheSameSeedGivesTheSameLongRun(t *testing.T) {
	for seed := uint64(1); seed <= 2; seed++ {
		first, err := Run(Config{Seed: seed, Last: time.Hour})
		if err != nil {
			t.Error(err)
		}
		if again, _ := Run(Config{Seed: seed, Last: time.Hour}); again != first {
			t.Errorf("seed %d: %+v, then %+v", seed, first, again)
		}
	}
}

func TestTracingChangesNothing(t *testing.T) {
	var trace bytes.Buffer
	traced, _ := Run(Config{Seed: 7, Trace: &trace})
	silent, _ := Run(Config{Seed: 7})
	if traced != silent || trace.Len() == 0 {
		t.Errorf("%+v with a trace of %d bytes, %+v without", traced, trace.Len(), silent)
	}
}
