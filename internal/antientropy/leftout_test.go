package antientropy

import (
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/internal/reconcile"
)

func optionsOf(l *leftOut, p peer.ID, now time.Time) (o reconcile.Options) {
	l.options(&o, p, 1, now)
	return o
}

func TestWhatThereIsNoRoomForIsNotAskedForAgainForHalfAnHour(t *testing.T) {
	var l leftOut
	now := time.Now()
	if o := optionsOf(&l, "p", now); o.LeftOut != nil || o.NotWhole != 0 {
		t.Errorf("before: %+v", o)
	}
	l.ended("p", 1, reconcile.Result{LeftOut: []uint64{7}}, now)
	if o := optionsOf(&l, "q", now.Add(leftOutFor-1)); !o.LeftOut(7) || o.LeftOut(8) {
		t.Error("it is asked for, or something else is not")
	}
	if o := optionsOf(&l, "q", now.Add(leftOutFor)); o.LeftOut(7) {
		t.Error("it is never asked for again")
	}
	var o reconcile.Options
	if l.options(&o, "p", 2, now); o.LeftOut != nil {
		t.Error("the next incarnation, which is empty, does not ask for it")
	}
}

func TestTheMemoryOfWhatIsLeftOutIsBounded(t *testing.T) {
	var l leftOut
	now := time.Now()
	for part := range uint64(6) {
		r := reconcile.Result{}
		for i := range uint64(16 << 10) {
			r.LeftOut = append(r.LeftOut, part<<32|i)
		}
		l.ended("p", 1, r, now)
	}
	if len(l.until) != leftOutMax {
		t.Errorf("%d symbols, want %d", len(l.until), leftOutMax)
	}
	l.ended("p", 1, reconcile.Result{LeftOut: []uint64{7}}, now.Add(leftOutFor))
	if len(l.until) != 1 {
		t.Errorf("%d symbols are remembered for longer than need be", len(l.until)-1)
	}
}

func TestWholeStatesThatWereOfNoUseAreNotExchangedAgainSoon(t *testing.T) {
	var l leftOut
	now := time.Now()
	fruitless := reconcile.Result{Bulk: true, Complete: true}
	fruitless.Peer.Incarnation = 5
	of := fruitless
	of.Differed = 1
	if l.ended("p", 1, of, now); optionsOf(&l, "p", now).NotWhole != 0 {
		t.Error("though something was taken")
	}
	l.ended("p", 1, fruitless, now)
	if got := optionsOf(&l, "p", now.Add(leftOutFor-1)).NotWhole; got != 5 {
		t.Errorf("not exchanged with incarnation %d, want 5", got)
	}
	if optionsOf(&l, "q", now).NotWhole != 0 || optionsOf(&l, "p", now.Add(leftOutFor)).NotWhole != 0 {
		t.Error("not with another peer, or not half an hour later")
	}
}
