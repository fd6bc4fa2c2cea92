package membership

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/protocol"
)

// The own clock is wrong only if it is ahead of all others, of which there must be
// two, as they are now and not as they were when they were heard.
func TestTheOwnClockIsJudgedByTheLeastAheadOfTwoOrMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := NewDirectory()
		own := func() time.Time { return time.Now().Add(time.Hour) }
		hear := func(p peer.ID, behind time.Duration) {
			d.Confirmed(p, gotham(after(1), crdt.StampAt(own().Add(-behind))), own())
		}
		hear("p", time.Hour)
		if ahead, known := d.Ahead(own()); known {
			t.Errorf("by one alone it is judged as %v ahead", ahead)
		}
		hear("q", time.Minute)
		time.Sleep(10 * time.Second) // in which the others' clocks go on too
		if ahead, known := d.Ahead(own()); !known || ahead.Round(time.Second) != time.Minute {
			t.Errorf("%v ahead, known %t, want a minute", ahead, known)
		}
		d.NoteClock("q", crdt.StampAt(own().Add(-2*time.Minute)))
		if ahead, _ := d.Ahead(own()); ahead.Round(time.Second) != 2*time.Minute {
			t.Errorf("%v ahead after q was heard again, want two minutes", ahead)
		}
		d.Judge("p", protocol.StatusFailed)
		if _, known := d.Ahead(own()); known {
			t.Error("a city that failed is a witness")
		}
	})
}
