package antientropy

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/internal/reconcile"
)

// closedCity is the opening of a city that has just been filled and has a neighbour, and
// how often it has been opened.
func closedCity() (o *opening, opened *int) {
	opened = new(int)
	o = newOpening(Config{
		Open:    func(bool) { *opened++ },
		Cluster: crowd{[]peer.ID{"neighbour"}},
		Every:   time.Second,
	})
	o.begin()
	return o, opened
}

func TestACityOpensAfterTwoSyncsThatFailedForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, opened := closedCity()
		o.sessionEnded(errors.New("no route"))
		o.sessionEnded(errors.New("no route"))
		if o.check(); *opened != 0 {
			t.Error("open at once")
		}
		time.Sleep(openingPatience)
		if o.check(); *opened != 1 {
			t.Error("not open")
		}
	})
}

func TestAnAnswerOfUnavailableIsNoFailedAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, opened := closedCity()
		time.Sleep(openingPatience)
		for range 10 {
			o.sessionEnded(fmt.Errorf("sync: %w", reconcile.ErrUnavailable))
		}
		if o.check(); *opened != 0 {
			t.Error("open, though nobody has failed")
		}
		time.Sleep(openingMax - openingPatience)
		if o.check(); *opened != 1 {
			t.Error("not open in any case")
		}
	})
}
