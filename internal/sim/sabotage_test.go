package sim

import (
	"errors"
	"testing"

	"github.com/citynode/citynode/internal/history"
)

const (
	retriesAreEqual = "a retry changes nothing and gets the same answer"
	storeLacks      = "a store at rest lacks nothing"
	faultEnds       = "a fault of the store ends with its cause"
	heardInTime     = "who waits hears of a fault in time"
	nothingLeft     = "nothing that has left a city is lost by it"
	waitersAnswered = "who waits is answered once the store is at rest"
)

// A simulation that finds nothing proves something only if it would find what
// is wrong. The rules of crdt, city and reconcile were broken one by one while
// this was written; what is left here is what the simulated shell can break.
func TestABrokenRuleIsNoticed(t *testing.T) {
	for _, row := range []struct {
		name     string
		sabotage sabotage
		seeds    int
		rules    []string // any of these
	}{
		{
			"a cut session counts as complete", cutIsComplete, fewSeeds,
			[]string{"after a complete sync each side holds what the other held"},
		},
		{
			"tombstones get lost", forgetTombstones, fewSeeds,
			[]string{"after a complete sync each side holds what the other held"},
		},
		{
			"sessions outlive incarnations", blindMerge, fewSeeds,
			[]string{"after a complete sync each side holds what the other held", "a correct session violates no rule"},
		},
		{
			"no rule for future stamps", clockBlind, fewSeeds,
			[]string{"a hero is taken when it is due", "a city holds no more than it may"},
		},
		{
			"answers do not wait for the store", answerEarly, fewSeeds,
			[]string{nothingLeft, string(history.WentBack), string(history.Undead), string(history.Lost), retriesAreEqual},
		},
		{
			"the store is blind for epochs", epochBlind, fewSeeds,
			[]string{nothingLeft, "what a bomb voided never comes back", string(history.WentBack), string(history.Undead)},
		},
		{
			"a store that is down at a start is not tried again", unwoken, 2 * fewSeeds,
			[]string{nothingLeft, storeLacks, "every city is open in the end", faultEnds, "in calm times every sync completes"},
		},
		{
			"what a fault kept from the store is not written", noRewrite, fewSeeds,
			[]string{nothingLeft, string(history.WentBack), string(history.Undead), storeLacks, retriesAreEqual},
		},
		{
			"a rewrite goes on where another one stood", staleRewrite, 4 * fewSeeds,
			[]string{nothingLeft, string(history.WentBack), string(history.Undead), storeLacks, retriesAreEqual, waitersAnswered, "what has not happened stays so"},
		},
		{
			"nothing is synced", neverSync, fewSeeds,
			[]string{nothingLeft, string(history.WentBack), string(history.Undead), string(history.Lost), retriesAreEqual},
		},
		{
			"large batches are not synced", lazyRewrite, 6 * fewSeeds,
			[]string{nothingLeft, string(history.WentBack), string(history.Undead), string(history.Lost), retriesAreEqual},
		},
		{
			"errors of commits are ignored", errorIgnored, 2 * fewSeeds,
			[]string{nothingLeft, string(history.WentBack), string(history.Undead), string(history.Lost), storeLacks, retriesAreEqual},
		},
		{
			"nobody is told of what has become durable", silent, fewSeeds,
			[]string{nothingLeft, waitersAnswered, heardInTime, faultEnds, retriesAreEqual},
		},
		{
			"a disk that hangs is not noticed", patient, 4 * fewSeeds,
			[]string{heardInTime},
		},
		{
			"no bomb is heard of", bombUnheard, 2 * fewSeeds,
			[]string{nothingLeft, storeLacks, string(history.WentBack), string(history.Undead)},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			var noticed []uint64
			for _, r := range playAll(t, Config{sabotage: row.sabotage}, row.seeds) {
				if r.err == nil {
					continue
				}
				noticed = append(noticed, r.report.Seed)
				failure, ok := errors.AsType[*Failure](r.err)
				if !ok {
					t.Fatal(r.err)
				}
				found := false
				for _, rule := range row.rules {
					found = found || failure.Rule == rule
				}
				if !found {
					t.Errorf("noticed as %q, want one of %q: %v", failure.Rule, row.rules, failure.Detail)
				}
			}
			if len(noticed) == 0 {
				t.Errorf("none of %d seeds noticed it", row.seeds)
			}
			t.Logf("%d of %d seeds noticed it, the first of them %d", len(noticed), row.seeds, noticed[:min(5, len(noticed))])
		})
	}
}
