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

// nobodyFeeds says that no neighbour sends its whole state just now.
func nobodyFeeds() bool { return false }

// closedCity is the opening of a city that has just been filled and has a neighbour, and
// how often it has been opened.
func closedCity() (o *opening, opened *int) {
	opened = new(int)
	o = newOpening(Config{
		Open:    func(bool) { *opened++ },
		Cluster: crowd{[]peer.ID{"neighbour"}},
		Every:   time.Second,
	}, nobodyFeeds)
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

// What is missing is on its way, and the end of that session opens the city.
func TestACityThatIsBeingFedOpensInAnyCaseOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, opened := closedCity()
		o.fed = func() bool { return true }
		fails(openingAttempts)(o)
		time.Sleep(openingPatience)
		if o.check(); *opened != 0 {
			t.Error("open, though what is missing is coming")
		}
		time.Sleep(openingMax - openingPatience)
		if o.check(); *opened != 1 {
			t.Error("not open in any case")
		}
	})
}

// opens runs an opening whose city has started, and checks after how long the city
// opens, looked at every 100 ms; only after openingMax, as in any case, where that is 0.
func opens(t *testing.T, neighbours []peer.ID, expects bool, fail func(*opening), want time.Duration, alone bool) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var opened []bool
		o := newOpening(Config{
			Open: func(alone bool) { opened = append(opened, alone) }, Cluster: crowd{neighbours}, ExpectsPeers: func() bool { return expects }, Every: time.Second,
		}, nobodyFeeds)
		o.nodeStarted()
		o.begin()
		begun := time.Now()
		if fail != nil {
			fail(o)
		}
		for time.Since(begun) < openingMax-time.Second {
			time.Sleep(100 * time.Millisecond)
			o.check()
			if len(opened) > 0 {
				break
			}
		}
		took := time.Since(begun)
		switch {
		case want == 0 && len(opened) > 0:
			t.Errorf("open after %v, want it to wait", took)
		case want > 0 && (len(opened) != 1 || opened[0] != alone || took < want || took > want+200*time.Millisecond):
			t.Errorf("opened %v after %v, want once, alone %t, after %v", opened, took, alone, want)
		}
		if o.synced(); len(opened) != 1 {
			t.Errorf("opened %d times, want once", len(opened))
		}
	})
}

func fails(times int) func(*opening) {
	return func(o *opening) {
		for range times {
			o.sessionEnded(errors.New("the session failed"))
		}
	}
}

func TestACityThatIsAloneOpensOnceItHasLookedForOthers(t *testing.T) {
	opens(t, nil, true, nil, ConnectWait, true)
	opens(t, nil, false, nil, 100*time.Millisecond, true)
}

func TestACityWithNeighboursOpensWithoutThemOnlyAfterFailuresAndAWhile(t *testing.T) {
	neighbours := []peer.ID{"gotham"}
	opens(t, neighbours, true, nil, 0, false)
	opens(t, neighbours, true, fails(openingAttempts-1), 0, false)
	opens(t, neighbours, true, fails(openingAttempts), openingPatience, false)
}

func TestFailuresOfTheIncarnationBeforeDoNotOpenTheNext(t *testing.T) {
	opens(t, []peer.ID{"gotham"}, true, func(o *opening) {
		fails(openingAttempts)(o)
		o.begin()
	}, 0, false)
}
