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
// another, the last again and again, and returns the error and the number of calls.
func retried(t *testing.T, ends ...error) (err error, calls int) {
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
	return err, calls
}

func TestACallIsTriedAgainWhileItMayYetSucceed(t *testing.T) {
	busy, dead := protocol.Errorf(protocol.Busy, "no room"), protocol.Errorf(protocol.Dead, "dead")
	broken := fmt.Errorf("%w: reset", protocol.ErrStreamClosed)
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
	} {
		err, calls := retried(t, row.ends...)
		if !errors.Is(err, row.want) || row.calls > 0 && calls != row.calls || row.calls == 0 && calls <= 3 {
			t.Errorf("%s: %v after %d calls", fact, err, calls)
		}
	}
}
