package antientropy

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/reconcile"
	"github.com/citynode/citynode/internal/wake"
)

// AuditParts is of how many parts of all IDs an audit takes one. The walk through the
// state takes 0.08 µs of CPU an entry, an audit of a quarter 0.2 and of all 0.6 (make bench
// BENCH=Audit). Of 16 entries that were made to have one sum a quarter holds at least one
// in 99 audits of 100, a sixty-fourth in 22.
const AuditParts = 4

const (
	// AuditEvery and auditRarely are the shortest and the longest time between two audits
	// that this node begins. The time doubles while the state stays as it was at the audit
	// before, for nobody has added anything that an audit could find. A change ends that.
	//
	// A city that differs from all others is found after half of AuditEvery in the mean,
	// since it audits and is audited. With a million entries it costs a city 580 audits,
	// two minutes of CPU, a day: 0.13 % of one processor.
	AuditEvery  = 5 * time.Minute
	auditRarely = 24 * time.Hour
	// auditShare bounds the time that audits take, whatever the state holds: one that took
	// a second is followed by the next after so many seconds at the earliest.
	auditShare = 300
)

// audits decide when a session that finds equal summaries is to audit a part of the
// state, for equal summaries are no proof (see crdt.Summary): anybody who may write can
// make sets of entries that have the same sum. An audit costs both sides a walk through
// the whole state.
type audits struct {
	mu      sync.Mutex // guards the rest
	running bool       // a session may audit
	last    crdt.Summary
	soon    time.Time // when the next may, if the state is not as it was at the last; zero before the first session
	later   time.Time // when the next may, if it is
	pause   time.Duration
}

// draw returns the salt of an audit if one is due, else 0. The caller of a draw that is
// not 0 calls ended once.
func (a *audits) draw(now time.Time, state crdt.Summary) (salt uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.soon.IsZero() { // the city has just started, and joining compares all it holds
		a.put(now, AuditEvery, 0)
	}
	due := a.soon
	if state == a.last {
		due = a.later
	}
	if a.running || now.Before(due) {
		return 0
	}
	a.running = true
	return 1 + rand.Uint64N(1<<64-1)
}

// ended notes how a session ended that might audit. One in which the summaries differed,
// or which failed, leaves the audit to the next.
func (a *audits) ended(now time.Time, took time.Duration, r reconcile.Result) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.running = false
	if !r.Audited || !r.Complete {
		return
	}
	pause := AuditEvery
	if a.last == r.Peer.Summary {
		pause = min(2*a.pause, auditRarely)
	}
	a.last = r.Peer.Summary
	a.put(now, pause, took)
}

// put puts the next audit off, after one that took so long. Callers hold mu.
func (a *audits) put(now time.Time, pause, took time.Duration) {
	a.pause = pause
	a.soon = now.Add(wake.Jitter(max(AuditEvery, auditShare*took)))
	a.later = now.Add(wake.Jitter(max(pause, auditShare*took)))
}
