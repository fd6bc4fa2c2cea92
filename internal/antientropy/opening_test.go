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

// opens is a city that counts how often it is opened.
type opens struct {
	starting
	times int
}

func (o *opens) Open(bool) { o.times++ }

// closedCity is the opening of a city that has just been filled and has a neighbour.
func closedCity() (*opening, *opens) {
	city := &opens{}
	o := newOpening(Config{City: city, Cluster: crowd{[]peer.ID{"neighbour"}}, Every: time.Second})
	o.begin()
	return o, city
}

func TestACityOpensAfterTwoSyncsThatFailedForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, city := closedCity()
		o.sessionEnded(errors.New("no route"))
		o.sessionEnded(errors.New("no route"))
		if o.check(); city.times != 0 {
			t.Error("open at once")
		}
		time.Sleep(openingPatience)
		if o.check(); city.times != 1 {
			t.Error("not open")
		}
	})
}

func TestAnAnswerOfUnavailableIsNoFailedAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, city := closedCity()
		time.Sleep(openingPatience)
		for range 10 {
			o.sessionEnded(fmt.Errorf("sync: %w", reconcile.ErrUnavailable))
		}
		if o.check(); city.times != 0 {
			t.Error("open, though nobody has failed")
		}
		time.Sleep(openingMax - openingPatience)
		if o.check(); city.times != 1 {
			t.Error("not open in any case")
		}
	})
}
