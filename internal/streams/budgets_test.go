package streams

import (
	"errors"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/citynode/citynode/protocol"
)

func callOf(caller string, bodyBytes int) *protocol.Call {
	return &protocol.Call{Caller: caller, Request: protocol.Request{Body: make([]byte, bodyBytes)}}
}

// admitted is how many such calls in a row are admitted, at most limit.
func admitted(a *Budgets, caller string, bodyBytes, limit int) (n int) {
	for n < limit && a.Spend(callOf(caller, bodyBytes)) == nil {
		n++
	}
	return n
}

func TestCallsAreAdmittedByCostAPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := NewBudgets()
		const frame = protocol.FrameBytesMax
		large := admitted(a, "p", frame, costBurst)
		if want := costBurst / (1 + frame/costBytes); large != want {
			t.Errorf("%d full frames at once, want %d", large, want)
		}
		if err := a.Spend(callOf("p", frame)); !errors.Is(err, protocol.ErrBusy) {
			t.Errorf("beyond the budget: %v", err)
		}
		if n := admitted(a, "q", 0, 128); n != 128 {
			t.Errorf("another peer: %d of 128 calls", n)
		}
		time.Sleep(time.Second)
		if n := admitted(a, "p", 0, 2*costRate); n < costRate || n > costRate+1000 {
			t.Errorf("%d calls a second later, want about %d", n, costRate)
		}
	})
}

func TestTheMemoryOfSpendingIsBounded(t *testing.T) {
	a := NewBudgets()
	for i := range 2 * budgetsMax {
		_ = a.Spend(callOf(strconv.Itoa(i), 0)) // the first of each is admitted
	}
	if a.byPeer.Len() != budgetsMax {
		t.Errorf("%d peers are remembered, want %d", a.byPeer.Len(), budgetsMax)
	}
}

func TestWhoGoesOnAfterBusyAnswersIsRefusedBeforeItsCallsAreLookedAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const body = 64 << 10
		a := NewBudgets()
		looked := 0
		for n := range 1000 {
			if a.Spend(callOf("p", body)) == nil {
				looked++
				a.Repay(callOf("p", body))
			}
			if n%100 == 99 {
				time.Sleep(100 * time.Millisecond)
			}
		}
		if most := (costBurst+costRate)/((1+busyCosts)*(1+body/costBytes)) + 2; looked > most {
			t.Errorf("%d of 1000 are looked at in a second, want at most %d", looked, most)
		}
		time.Sleep(time.Minute)
		if err := a.Spend(callOf("p", body)); err != nil {
			t.Errorf("after a pause: %v", err)
		}
	})
}

func TestOnlyLongCallsThatAreRefusedWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := NewBudgets()
		for bytes, want := range map[int]time.Duration{0: 0, busyPauseOver - 1: 0, busyPauseOver: busyPause} {
			begun := time.Now()
			a.Slow(t.Context(), callOf("p", bytes))
			if took := time.Since(begun); took != want {
				t.Errorf("%d bytes wait for %v, want %v", bytes, took, want)
			}
		}
	})
}
