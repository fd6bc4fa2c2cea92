package sim

import (
	"fmt"
	"io"
	"time"
)

// Config says what to simulate.
type Config struct {
	// Seed decides everything that happens.
	Seed uint64
	// Last is how long the run goes on, at least, in virtual time: times of faults
	// and of calm in turn. 0: one of each.
	Last time.Duration
	// Calm, if set, is told after each calm what the run came to until then, once
	// the oracle has forgotten the history that it has judged.
	Calm func(Report)
	// Trace, if set, receives a line for each thing that happens.
	Trace io.Writer

	// sabotage breaks a rule on purpose, to see that it is noticed.
	sabotage sabotage
	// flooded has strangers flood the cities, whatever the seed has drawn.
	flooded bool
}

// Report is what a run came to.
type Report struct {
	Seed uint64
	// Profile is what the seed drew: sizes and faults, in words; of a long run, the
	// last faults.
	Profile string
	// Events is how many events happened, Virtual how long they took in
	// virtual time.
	Events  uint64
	Virtual time.Duration
	// Hash stands for the whole course of events; equal seeds have equal ones.
	Hash uint64
	// Counts of what happened.
	Counts Counts
}

// Counts are the counts of a run.
type Counts struct {
	Heroes, Tombstones uint64 // at the end
	Writes             uint64 // by orders and ticks
	Orders             uint64 // answered without a refusal, retries included
	Refusals           uint64
	Remembered         uint64 // retries that were answered from memory
	Crashes            uint64 // bombs and kills included
	Kills              uint64 // of the process, power cuts included
	PowerCuts          uint64
	Bombs              uint64
	Partitions         uint64
	Jumps              uint64 // of clocks
	Commits            uint64
	StoreFaults        uint64
	Deltas, DeltasLost uint64
	Syncs, SyncsFailed uint64 // complete on the initiator's side, and not
	Skipped            uint64 // heroes left out as future by complete syncs
	Suspicions         uint64
	OpenedAlone        uint64
	PutOff             uint64 // strangers who brought too many new IDs
}

// Failure is a broken rule. It is the error of Run.
type Failure struct {
	Seed   uint64
	At     time.Duration // virtual time
	Rule   string        // what must hold
	Detail string        // what did not
	Last   time.Duration // that of the Config
}

// Error names the rule, and the command that plays the run again.
func (f *Failure) Error() string {
	long := ""
	if f.Last > 0 {
		long = fmt.Sprintf(" -sim.hours=%v", f.Last.Hours())
	}
	return fmt.Sprintf("seed %d at %v: %s: %s\nreplay: go test ./internal/sim -run TestSeeds -sim.seed=%d -sim.trace%s",
		f.Seed, f.At, f.Rule, f.Detail, f.Seed, long)
}

// Run plays one seed. The error is nil or a *Failure.
func Run(cfg Config) (Report, error) {
	w := newWorld(cfg)
	w.begin()
	for w.failure == nil && !w.finished {
		e, ok := w.queue.pop()
		if !ok {
			w.fail("a run ends", "nothing is left to happen")
			break
		}
		w.happen(e)
	}
	report := w.report()
	if w.failure != nil {
		return report, w.failure
	}
	return report, nil
}
