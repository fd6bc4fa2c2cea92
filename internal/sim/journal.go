package sim

import (
	"errors"
	"slices"
	"time"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/durable"
	"github.com/citynode/citynode/internal/store"
)

var errDisk = errors.New("the disk has failed")

// journal is one process's shell round the real journal machine: it carries out
// the effects on the simulated disk, and tells how that went. It stands for
// durable.Writer.
type journal struct {
	n       *node
	process int
	machine *durable.Machine
	number  uint64 // of the present incarnation
	shift   int    // counts the crashes of the writer
	asleep  bool   // the writer waits for a wake, or for the time naps has begun
	woken   bool   // while it does not: it has to look again
	naps    int    // counts the waits for a time
	flying  *store.Batch
	raises  int         // that are under way
	reached crdt.Cursor // by the pages of the last rewrite; 0: by all of them
	unheard bool        // there is news that the incarnation has not looked at
}

func newJournal(n *node) *journal {
	j := &journal{n: n, process: n.process, machine: durable.NewMachine(n.disk.epoch, n.w.profile.waitingBytesMax)}
	j.step(durable.Started{})
	j.free()
	return j
}

// begin begins the journal of an incarnation.
func (j *journal) begin() {
	if j.n.disk.closed {
		j.step(durable.Failed{Err: errDisk})
	}
	j.step(durable.Begin{})
	j.number = j.machine.Incarnation()
}

// Append has effects written with the next commit.
func (j *journal) Append(fx city.Effects) uint64 {
	j.step(durable.Append{Incarnation: j.number, Effects: fx})
	return j.machine.Appended()
}

// written returns what the incarnation is told of how far the journal has come.
func (j *journal) written() city.Written {
	return j.n.w.cfg.sabotage.written(j.machine.Written(j.number))
}

// step gives the machine an event, and carries out the effects.
func (j *journal) step(e durable.Event) {
	e, heard := j.n.w.cfg.sabotage.event(e)
	if !heard {
		return
	}
	now := epoch.Add(j.n.w.now) // as a clock that does not jump has it
	for _, effect := range slices.Clone(j.machine.Step(now, e)) {
		if effect, done := j.n.w.cfg.sabotage.effect(e, effect); done {
			j.carryOut(effect)
		}
	}
}

func (j *journal) carryOut(effect durable.Effect) {
	switch effect := effect.(type) {
	case durable.Wake:
		j.wake()
	case durable.News:
		j.news()
	case durable.Commit:
		j.asleep = false
		j.commit(effect.Batch)
	case durable.Resume:
		j.asleep = false
		j.work(j.n.w.upTo(time.Millisecond), "resume", j.resume)
	case durable.ReadPage:
		j.asleep = false
		j.work(j.n.w.upTo(time.Millisecond), "page", func() { j.readPage(effect) })
	case durable.Wait:
		j.nap(effect.Until)
	case durable.FaultBegan:
		j.n.w.counts.StoreFaults++
		j.n.w.tracef("%v: the store does not work: %v", j.n, effect.Err)
	case durable.FaultEnded:
		j.n.w.tracef("%v: the store works again", j.n)
	}
}

// after lets something happen once, unless the process has ended.
func (j *journal) after(d time.Duration, what string, run func()) {
	j.n.w.after(d, what, func() {
		if j.n.process == j.process {
			run()
		}
	})
}

// work lets something of the writer's happen once, unless the writer crashes before.
func (j *journal) work(d time.Duration, what string, run func()) {
	shift := j.shift
	j.after(d, what, func() {
		if j.shift == shift {
			run()
		}
	})
}

// crash has the writer crash, whatever it does, and start again. Of a commit that
// runs nobody knows.
func (j *journal) crash() {
	j.n.w.tracef("%v: the writer crashes", j.n)
	if j.flying != nil && j.n.w.rng.IntN(2) == 0 {
		j.n.disk.write(*j.flying)
	}
	j.flying, j.asleep = nil, false
	j.shift++
	j.work(j.n.w.upTo(20*time.Millisecond), "writer starts", func() {
		j.step(durable.Started{})
		j.free()
	})
}

// free says that the writer has nothing to do. A job that it is given wakes it.
func (j *journal) free() {
	j.asleep = true
	j.step(durable.Free{})
	if j.asleep && j.woken {
		j.wake()
	}
}

// soonFree lets the writer go on. Much may happen before it does.
func (j *journal) soonFree() { j.work(j.n.w.upTo(100*time.Microsecond), "write", j.free) }

// wake lets the writer look again, at once or as soon as it sleeps.
func (j *journal) wake() {
	if !j.asleep {
		j.woken = true
		return
	}
	j.asleep, j.woken = false, false
	j.soonFree()
}

// nap wakes the writer at a time.
func (j *journal) nap(until time.Time) {
	j.naps++
	nap := j.naps
	j.work(until.Sub(epoch.Add(j.n.w.now)), "writer", func() {
		if j.asleep && j.naps == nap {
			j.wake()
		}
	})
}

// commit commits a batch, which takes its time, and may fail: then the batch is
// kept wholly or not at all.
func (j *journal) commit(b store.Batch) {
	w, d := j.n.w, j.n.disk
	switch {
	case w.cfg.sabotage == epochBlind:
		b.Epoch = d.epoch
	case b.Epoch != d.epoch:
		j.committed(store.ErrEpoch)
		return
	}
	if d.closed {
		j.committed(errDisk)
		return
	}
	w.counts.Commits++
	j.flying = &b
	takes := w.commitTime()
	j.watch(&b, takes)
	j.work(takes, "commit", func() {
		j.flying = nil
		failed := d.fails(j.n)
		if !failed || w.rng.IntN(2) == 0 {
			if w.cfg.sabotage == epochBlind {
				b.Epoch = d.epoch
			}
			d.write(b)
		}
		if failed {
			j.committed(errDisk)
			return
		}
		j.committed(nil)
	})
}

func (j *journal) committed(err error) {
	ended := durable.Committed{Err: err}
	if errors.Is(err, store.ErrEpoch) {
		ended.Epoch = j.n.disk.epoch
	}
	j.step(ended)
	j.soonFree()
}

// watch lets the machine look now and then at a commit that takes long.
func (j *journal) watch(b *store.Batch, takes time.Duration) {
	const every = durable.StuckAfter / 5
	for at := j.n.w.upTo(every); at < takes; at += every {
		j.after(at, "tick", func() {
			if j.flying == b {
				j.step(durable.Tick{})
			}
		})
	}
}

// resume opens the store again, if the disk works, and gives it the facts.
func (j *journal) resume() {
	d := j.n.disk
	resumed := durable.Resumed{Epoch: d.epoch}
	if d.down {
		resumed.Err = errDisk
	} else {
		d.closed, d.number = false, j.n.number
	}
	j.step(resumed)
	j.soonFree()
}

// readPage reads a page in the turn of the city's loop, if the city is there. At
// times the writer does not wait for it, and the loop reads the page late.
func (j *journal) readPage(job durable.ReadPage) {
	late := j.n.w.chance(20)
	if j.n.core == nil || late {
		j.step(durable.PageFailed{Err: errDown})
		j.soonFree()
		if late {
			j.after(j.n.w.upTo(2*time.Second), "late page", func() { j.tellPage(job) })
		}
		return
	}
	j.tellPage(job)
	j.soonFree()
}

func (j *journal) tellPage(job durable.ReadPage) {
	if j.n.core == nil {
		return
	}
	page := durable.PageRead{Incarnation: job.Incarnation, At: job.At}
	at := j.n.w.cfg.sabotage.page(job.At, j.reached)
	page.Entries, page.Next, page.More = j.n.core.PageToStore(at, j.n.w.profile.pageBytes)
	j.reached = page.Next
	if !page.More {
		page.Answers, j.reached = j.n.core.Answers(), 0
	}
	j.step(page)
}

// raise voids the store, which takes its time, and may fail: then nobody knows
// whether it happened. raised is told if it is known to have happened.
func (j *journal) raise(raised func()) {
	w, d := j.n.w, j.n.disk
	if d.closed {
		return
	}
	j.raises++
	j.after(w.commitTime(), "raise", func() {
		j.raises--
		failed := d.fails(j.n)
		if !failed || w.rng.IntN(2) == 0 {
			j.n.void()
		}
		if failed {
			j.step(durable.Failed{Err: errDisk})
			return
		}
		epoch := d.epoch
		j.after(w.upTo(time.Millisecond), "raised", func() {
			j.step(durable.Raised{Epoch: epoch})
			raised()
		})
	})
}

// news has the incarnation look at what is durable; at times it has something else
// to do first. One that does not serve yet looks when it does.
func (j *journal) news() {
	j.unheard = true
	if j.n.w.rng.IntN(4) == 0 {
		j.after(j.n.w.upTo(5*time.Millisecond), "news", j.hear)
		return
	}
	j.after(0, "news", j.hear)
}

func (j *journal) hear() {
	if j.n.core != nil && j.unheard {
		j.unheard = false
		j.n.release()
	}
}

// memory returns the epoch of what the present incarnation stores.
func (j *journal) memory() int { return int(j.machine.Epoch()) }
