package reconcile

import (
	"testing"

	"github.com/citynode/citynode/crdt"
)

const deferredAt = crdt.Stamp(1) << 40

// stampedAt is a hero whose last write has that stamp; n tells heroes apart.
func stampedAt(n int, stamp crdt.Stamp) crdt.Hero {
	h := heroes(n, 1).Heroes[0]
	h.Version.HLC = stamp
	return h
}

func TestADeferredHeroIsDueOnceTheHorizonReachesItsStamp(t *testing.T) {
	var d Deferred
	h := stampedAt(0, deferredAt.Add(3*crdt.FutureSkewMax))
	symbol := h.Fingerprint().Symbol()
	d.Add(h, deferredAt)
	for when, want := range map[crdt.Stamp]bool{
		deferredAt:                               true,
		deferredAt.Add(2*crdt.FutureSkewMax) - 1: true,
		deferredAt.Add(2 * crdt.FutureSkewMax):   false,
		deferredAt.Add(3 * crdt.FutureSkewMax):   false,
	} {
		if got := d.has(symbol, when); got != want {
			t.Errorf("at %v it is left out: %t, want %t", when.Time(), got, want)
		}
	}
	if other := stampedAt(1, h.Version.HLC); d.has(other.Fingerprint().Symbol(), deferredAt) {
		t.Error("another hero is left out")
	}
}

func TestDeferredHeroesAreBoundedAndGiveWayOnceTheyAreDue(t *testing.T) {
	var d Deferred
	for n := range deferredMax + 1 {
		d.Add(stampedAt(n, deferredAt.Add(2*crdt.FutureSkewMax)), deferredAt)
	}
	if d.Len() != deferredMax {
		t.Errorf("%d are remembered, want %d", d.Len(), deferredMax)
	}
	due := deferredAt.Add(crdt.FutureSkewMax)
	d.Add(stampedAt(deferredMax+1, due.Add(2*crdt.FutureSkewMax)), due)
	if d.Len() != 1 {
		t.Errorf("%d are remembered once all others are due, want 1", d.Len())
	}
}

func TestAHeroThatIsLeftOutAgainCountsOnce(t *testing.T) {
	var r Result
	late := stampedAt(0, deferredAt)
	r.merged(Merged{Future: []crdt.Hero{late, late}})
	r.skip(late.Fingerprint().Symbol())
	if r.Skipped != 1 || len(r.Future) != 1 {
		t.Errorf("%d skipped, of which %d are told, want 1", r.Skipped, len(r.Future))
	}
}
