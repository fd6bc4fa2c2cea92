package antientropy

import (
	"errors"
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
