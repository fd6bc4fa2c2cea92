package sim

import (
	"testing"
	"time"

	"github.com/citynode/citynode/city"
)

const (
	// crossSoon is how soon after the end of a partition something must have come
	// from the other side, equalSoon how soon all must hold the same.
	crossSoon = 5 * time.Second
	equalSoon = 10 * time.Second
	// lookEvery is how exactly that is measured.
	lookEvery = 10 * time.Millisecond
)

func TestAPartitionHealsWithinSecondsHoweverLongItWas(t *testing.T) {
	for _, lasts := range []time.Duration{20 * time.Minute, 24 * time.Hour} {
		t.Run(lasts.String(), func(t *testing.T) {
			w := calmWorld(t, 5)
			w.profile.syncEvery = 5 * time.Second
			for _, n := range w.nodes {
				w.repeat(w.profile.syncEvery, "sync", n.syncWithSomebody)
				w.repeat(w.profile.presenceEvery, "presence", n.sendPresence)
			}
			w.cut(0b00011, false, 1)
			for hour := range 24 {
				for _, n := range w.nodes {
					n.createHere(t, requestID(0, uint64(hour*len(w.nodes)+n.index)))
					n.step(city.Patrol{})
					n.step(city.Fight{})
				}
				w.pass(lasts / 24)
			}
			if !equal(w.nodes[:2]) || !equal(w.nodes[2:]) || equal(w.nodes) {
				t.Fatal("the sides are not equal within, or equal to each other")
			}
			apart := w.nodes[0].core.State().Summary()
			w.cut(0b00011, false, -1)
			crossed := w.passUntil(t, crossSoon, func() bool { return !equal(w.nodes[:2]) || w.nodes[0].core.State().Summary() != apart })
			same := crossed + w.passUntil(t, equalSoon-crossed, func() bool { return equal(w.nodes) })
			t.Logf("after a partition of %v something comes across after %v, all hold the same after %v", lasts, crossed, same)
		})
	}
}

func equal(nodes []*node) bool {
	for _, n := range nodes {
		if n.core.State().Summary() != nodes[0].core.State().Summary() {
			return false
		}
	}
	return true
}

// passUntil lets time pass until a condition holds, which must be soon, and
// returns how long that took.
func (w *world) passUntil(t *testing.T, soon time.Duration, holds func() bool) time.Duration {
	t.Helper()
	begun := w.now
	for !holds() {
		w.pass(lookEvery)
		if w.now-begun > soon {
			t.Fatalf("not in %v", soon)
		}
	}
	return w.now - begun
}
