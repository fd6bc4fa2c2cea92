package sim

import (
	"errors"
	"time"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/history"
)

const (
	// resumeEvery is how often a store that failed is tried again.
	resumeEvery = time.Second
	// commitMax is how long a commit may take before the store counts as failed.
	commitMax = 5 * time.Second
)

var (
	errDisk  = errors.New("the disk has failed")
	errHangs = errors.New("the disk hangs")
	errEpoch = errors.New("the batch is of an older epoch")
)

// journal makes durable what one process of a city does, one commit after
// another; what waits meanwhile goes in together with the next one.
type journal struct {
	n       *node
	process int
	volume  *volume
	fault   error // why the store does not work
	busy    bool  // a commit runs, or a pause before the next try
	woken   bool  // while busy: there is more to look for
	flying  *batch
}

// volume is the journal of one incarnation.
type volume struct {
	epoch     int
	waiting   batch
	appended  uint64
	durable   uint64
	behind    bool // some were left out: the whole state has to be written
	voided    bool
	rewriting bool
}

func newJournal(n *node) *journal { return &journal{n: n, process: n.process} }

func (j *journal) begin() {
	j.volume = &volume{epoch: j.n.disk.epoch, waiting: batch{lazy: true}}
}

// append has effects written with the next ones.
func (j *journal) append(fx city.Effects) uint64 {
	v := j.volume
	v.appended++
	if j.fault != nil && !v.rewriting || v.voided || fx.Lazy() && len(v.waiting.records) > j.n.w.profile.waitingMax {
		v.behind = true
		return v.appended
	}
	for _, c := range fx.Changes {
		v.waiting.records = append(v.waiting.records, c.New)
	}
	if a, ok := fx.Answered(); ok {
		v.waiting.answers = append(v.waiting.answers, a)
	}
	v.waiting.lazy = v.waiting.lazy && fx.Lazy()
	j.wake()
	return v.appended
}

func (v *volume) take() (batch, uint64) {
	b := v.waiting
	b.epoch = v.epoch
	v.waiting = batch{lazy: true}
	return b, v.appended
}

// wake has the writer look for what waits, if it is not busy.
func (j *journal) wake() {
	if j.busy {
		j.woken = true
		return
	}
	j.busy = true
	j.after(j.n.w.upTo(100*time.Microsecond), "write", j.write)
}

// after lets something happen once, unless the process has ended.
func (j *journal) after(d time.Duration, what string, run func()) {
	j.n.w.after(d, what, func() {
		if j.n.process == j.process {
			run()
		}
	})
}

// next is the writer's loop: after a fault it waits, and then tries again.
func (j *journal) next() {
	if j.fault != nil {
		j.after(resumeEvery, "resume", j.resume)
		return
	}
	j.busy = false
	if j.woken {
		j.woken = false
		j.wake()
	}
}

func (j *journal) write() {
	v := j.volume
	if j.fault != nil {
		j.next()
		return
	}
	if v == nil || v.voided || len(v.waiting.answers) == 0 && len(v.waiting.records) == 0 {
		j.catchUp()
		return
	}
	b, last := v.take()
	j.commit(b, func(err error) {
		switch {
		case errors.Is(err, errEpoch):
			v.voided = true
		case err == nil && j.fault == nil:
			v.durable = last
		}
		j.news(v)
		j.catchUp()
	})
}

// commit commits a batch, which takes its time, and may fail: then the batch is
// kept wholly or not at all.
func (j *journal) commit(b batch, done func(error)) {
	w, d := j.n.w, j.n.disk
	if b.epoch != d.epoch {
		if w.cfg.sabotage != epochBlind {
			done(errEpoch)
			return
		}
		b.epoch = d.epoch
	}
	if d.down {
		j.fail(errDisk)
		done(errDisk)
		return
	}
	w.counts.Commits++
	j.flying = &b
	takes := w.commitTime()
	if takes > commitMax {
		j.after(commitMax, "hangs", func() {
			if j.flying == &b && j.fault == nil {
				j.fail(errHangs)
			}
		})
	}
	j.after(takes, "commit", func() {
		j.flying = nil
		failed := d.down || w.chance(w.profile.failPermil)
		if !failed || w.rng.IntN(2) == 0 {
			if w.cfg.sabotage == epochBlind {
				b.epoch = d.epoch
			}
			d.write(b)
			d.purge(j.n.time())
		}
		if !failed {
			done(nil)
			return
		}
		j.n.failDisk()
		j.fail(errDisk)
		done(errDisk)
	})
}

// fail notes that the store does not work.
func (j *journal) fail(err error) {
	if j.fault == nil {
		j.n.w.counts.StoreFaults++
		j.n.w.tracef("%v: the store does not work: %v", j.n, err)
	}
	j.fault = err
	if v := j.volume; v != nil {
		v.take()
		v.behind = true
		j.news(v)
	}
}

// resume tries the store again, and once it works writes the whole state, for
// what was left out is not known.
func (j *journal) resume() {
	if j.n.disk.down {
		j.next()
		return
	}
	j.n.disk.number = j.n.number
	v := j.volume
	resumed := func(err error) {
		if j.volume != v && j.n.w.cfg.sabotage != staleVolume {
			err = errDown // what the new incarnation did meanwhile was left out too
		}
		if err == nil {
			j.fault = nil
			if v != nil {
				v.durable = v.appended
				j.news(v)
			}
			j.n.w.tracef("%v: the store works again", j.n)
		}
		j.next()
	}
	if v == nil || j.n.w.cfg.sabotage == noRewrite {
		resumed(nil)
		return
	}
	j.rewrite(v, resumed)
}

// catchUp writes the whole state if some of what neighbours sent was left out.
func (j *journal) catchUp() {
	v := j.volume
	if v == nil || v.voided || !v.behind || j.n.w.cfg.sabotage == noRewrite {
		j.next()
		return
	}
	j.rewrite(v, func(error) { j.next() })
}

// rewrite writes the whole state and all answers, page by page.
func (j *journal) rewrite(v *volume, done func(error)) {
	v.behind, v.rewriting = false, true
	j.rewriteFrom(0, v, func(err error) {
		v.rewriting = false
		if err != nil {
			v.behind = true
		}
		done(err)
	})
}

func (j *journal) rewriteFrom(at crdt.Cursor, v *volume, done func(error)) {
	if j.n.core == nil || j.volume != v && j.n.w.cfg.sabotage != staleVolume {
		done(errDown)
		return
	}
	page, next, more := j.n.core.State().Page(at, j.n.w.profile.pageBytes)
	v.waiting.records = append(v.waiting.records, history.RecordsOf(page)...)
	if !more {
		v.waiting.answers = append(v.waiting.answers, j.n.core.Answers()...)
	}
	b, _ := v.take()
	b.lazy = more
	j.commit(b, func(err error) {
		if err != nil || !more {
			done(err)
			return
		}
		j.rewriteFrom(next, v, done)
	})
}

// news tells the incarnation that something has become durable, or that nothing
// does; at times it has something else to do first.
func (j *journal) news(v *volume) {
	release := func() {
		if j.n.core != nil && j.volume == v {
			j.n.release()
		}
	}
	if j.n.w.rng.IntN(4) == 0 {
		j.after(j.n.w.upTo(5*time.Millisecond), "news", release)
		return
	}
	release()
}
