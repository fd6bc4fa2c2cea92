package antientropy

import (
	"testing"
	"time"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/reconcile"
)

// audited is the end of a session that audited a state of so many heroes.
func audited(heroes uint64) reconcile.Result {
	r := reconcile.Result{Audited: true, Complete: true}
	r.Peer.Summary = crdt.Summary{Heroes: heroes}
	return r
}

// of is a state of so many heroes.
func of(heroes uint64) crdt.Summary { return crdt.Summary{Heroes: heroes} }

// next returns how long after now an audit of a state is due, within a second. It draws
// one.
func (a *audits) next(now time.Time, state crdt.Summary) time.Duration {
	for d := time.Duration(0); ; d += time.Second {
		if a.draw(now.Add(d), state) != 0 {
			return d
		}
	}
}

// about reports whether a time is that long, but for its jitter.
func about(d, want time.Duration) bool {
	return d >= want-want/10 && d <= want+want/10+time.Second
}

func TestAuditsAreRareWhereNothingChangesAndNotElsewhere(t *testing.T) {
	var a audits
	now := time.Now()
	if d := a.next(now, of(1)); !about(d, AuditEvery) {
		t.Errorf("the first after %v", d)
	}
	for _, want := range []time.Duration{AuditEvery, 2 * AuditEvery, 4 * AuditEvery, 8 * AuditEvery} {
		a.ended(now, 0, audited(1))
		if d := a.next(now, of(1)); !about(d, want) {
			t.Errorf("while nothing changes the next after %v, want %v", d, want)
		}
	}
	a.ended(now, 0, audited(1))
	if d := a.next(now, of(2)); !about(d, AuditEvery) {
		t.Errorf("after a change the next after %v", d)
	}
	for range 20 {
		a.ended(now, 0, audited(2))
	}
	if d := a.next(now, of(2)); !about(d, auditRarely) {
		t.Errorf("at last after %v", d)
	}
}

func TestEachAuditHasASaltOfItsOwn(t *testing.T) {
	seen := map[uint64]bool{}
	for range 10 {
		var a audits
		a.draw(time.Now(), of(1))
		seen[a.draw(time.Now().Add(time.Hour), of(2))] = true
	}
	if seen[0] || len(seen) != 10 {
		t.Errorf("the salts of ten audits are %v", seen)
	}
}

func TestAuditsTakeABoundedShareOfTheTime(t *testing.T) {
	for _, state := range []uint64{1, 2} {
		var a audits
		now := time.Now()
		a.next(now, of(1))
		const took = time.Minute
		a.ended(now, took, audited(1))
		if d := a.next(now, of(state)); !about(d, auditShare*took) {
			t.Errorf("one that took %v is followed by the next after %v", took, d)
		}
	}
}

func TestAnAuditThatDidNotComeToBeIsLeftToTheNextSession(t *testing.T) {
	var a audits
	now := time.Now()
	due := now.Add(a.next(now, of(1)))
	if a.draw(due, of(1)) != 0 {
		t.Error("two sessions audit at once")
	}
	for fact, r := range map[string]reconcile.Result{
		"the summaries differed": {Complete: true},
		"the session failed":     {Audited: true},
	} {
		a.ended(due, 0, r)
		if a.draw(due, of(1)) == 0 {
			t.Errorf("%s, and the next session does not audit", fact)
		}
	}
}
