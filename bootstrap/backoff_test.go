package bootstrap

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestPausesDoubleUpToTheLimit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		failures := rapid.IntRange(0, 1_000_000).Draw(t, "failures")
		limit := rapid.SampledFrom([]time.Duration{urgentRetryMax, lazyRetryMax}).Draw(t, "limit")
		full := limit
		if failures <= 10 {
			full = min(limit, retryBase<<max(failures-1, 0))
		}
		if got := retryPause(failures, limit); got > full || got <= full/2 {
			t.Errorf("pause %v, want above %v up to %v", got, full/2, full)
		}
	})
}
