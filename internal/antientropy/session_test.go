package antientropy

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/citynode/citynode/internal/reconcile"
)

func TestASessionMayLastAMinuteAndLongerIfItMovesEntries(t *testing.T) {
	for _, row := range []struct {
		lasts  time.Duration
		moved  uint64
		failed bool
	}{
		{SessionGrace, 0, false},
		{SessionGrace + time.Second, sessionPace - 1, true},
		{SessionGrace + time.Second, sessionPace, false},
		{2 * SessionGrace, 59 * sessionPace, true},
		{2 * SessionGrace, 60 * sessionPace, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			begun := time.Now()
			time.Sleep(row.lasts)
			err := checkPace(begun, reconcile.Result{EntriesIn: row.moved / 2, EntriesOut: row.moved - row.moved/2})
			if errors.Is(err, ErrTooSlow) != row.failed {
				t.Errorf("%d entries in %v: %v", row.moved, row.lasts, err)
			}
		})
	}
}

func TestMuchIsNotAskedForWhileAnotherCitySendsItsWholeState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, caller, _ := asked(t, newGotham(t))
		ask, err := reconcile.Decode([]byte{0xa2, 1, byte(reconcile.KindAsk), 8, 0x19, 0x40, 0})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.admit(caller, ask); err != nil {
			t.Errorf("where nobody sends: %v", err)
		}
		if _, ok := a.intake.take("metropolis", true, time.Now()); !ok {
			t.Fatal("nobody has a turn, and metropolis gets none")
		}
		if _, err := a.admit(caller, ask); !errors.Is(err, errWaits) {
			t.Errorf("%v, want %v", err, errWaits)
		}
	})
}

func TestWhoIsCutShortHasNotFailedToFeed(t *testing.T) {
	ended, end := context.WithCancel(t.Context())
	end()
	broken := errors.New("broken")
	for fact, row := range map[string]struct {
		ctx    context.Context
		err    error
		failed bool
	}{
		"it went well":       {t.Context(), nil, false},
		"it broke":           {t.Context(), broken, true},
		"it was ended here":  {ended, broken, false},
		"the city is sated":  {t.Context(), fmt.Errorf("sync: %w", reconcile.ErrSated), false},
		"it broke the rules": {t.Context(), reconcile.ErrProtocol, true},
	} {
		if got := failedToFeed(row.ctx, row.err); got != row.failed {
			t.Errorf("%s: failed %t", fact, got)
		}
	}
}

// A salt that others can know lets them make entries that an audit takes for equal.
func TestEachSessionHasASaltOfItsOwn(t *testing.T) {
	seen := map[uint64]bool{}
	for range 10 {
		seen[newSalt()] = true
	}
	if len(seen) != 10 {
		t.Errorf("the salts of ten sessions are %v", seen)
	}
}
