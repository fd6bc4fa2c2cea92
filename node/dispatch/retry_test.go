package dispatch

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/citynode/citynode/protocol"
)

// retried runs Retry for a minute at most on a call that ends with one error after
// another, the last again and again, and returns the number of calls and the error.
func retried(t *testing.T, ends ...error) (calls int, err error) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err = Retry(ctx, func() error {
			calls++
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return ends[min(calls, len(ends))-1]
		})
	})
	return calls, err
}

func TestACallIsTriedAgainWhileItMayYetSucceed(t *testing.T) {
	busy, dead := protocol.Errorf(protocol.Busy, "no room"), protocol.Errorf(protocol.Dead, "dead")
	broken := fmt.Errorf("%w: reset", protocol.ErrStreamClosed)
	silent := &SilentError{City: "gotham", Status: protocol.StatusFailed}
	for fact, row := range map[string]struct {
		ends  []error
		want  error
		calls int // 0: more than three
	}{
		"it succeeds at once":              {[]error{nil}, nil, 1},
		"it succeeds in the end":           {[]error{busy, broken, broken, busy, nil}, nil, 5},
		"a final answer":                   {[]error{dead}, dead, 1},
		"a final answer in the end":        {[]error{busy, dead}, dead, 2},
		"a stream that breaks each time":   {[]error{broken}, protocol.ErrStreamClosed, brokenMax},
		"a city that is busy all the time": {[]error{busy}, busy, 0},
		"a city that is silent":            {[]error{silent}, protocol.ErrUnavailable, 1},
	} {
		calls, err := retried(t, row.ends...)
		if !errors.Is(err, row.want) || row.calls > 0 && calls != row.calls || row.calls == 0 && calls <= 3 {
			t.Errorf("%s: %v after %d calls", fact, err, calls)
		}
	}
}

// The end of the caller's time says less than the city's last answer.
func TestACallWhoseTimeEndsTellsWhatTheCitySaidLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		calls := 0
		err := Retry(ctx, func() error {
			if calls++; calls == 1 {
				return protocol.Errorf(protocol.Busy, "no room")
			}
			<-ctx.Done()
			return ctx.Err()
		})
		if calls != 2 || !errors.Is(err, protocol.ErrBusy) {
			t.Errorf("%v after %d calls, want that the city is busy", err, calls)
		}
	})
}

func TestABackoffThatIsResetBeginsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var pauses Backoff
		wait := func() time.Duration {
			begun := time.Now()
			if err := pauses.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			return time.Since(begun)
		}
		for range 10 {
			wait()
		}
		if took := wait(); took < pauseMax*3/4 || took > pauseMax*5/4 {
			t.Errorf("the eleventh pause is %v, want about %v", took, pauseMax)
		}
		pauses.Reset()
		if took := wait(); took > pauseMin*5/4 {
			t.Errorf("the pause after a reset is %v, want about %v", took, pauseMin)
		}
	})
}
