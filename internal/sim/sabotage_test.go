package sim

import (
	"errors"
	"testing"

	"github.com/citynode/citynode/internal/history"
)

const retriesAreEqual = "a retry changes nothing and gets the same answer"

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
			[]string{"a hero is taken when it is due"},
		},
		{
			"answers do not wait for the store", answerEarly, fewSeeds,
			[]string{string(history.WentBack), string(history.Undead), string(history.Lost), retriesAreEqual},
		},
		{
			"the store is blind for epochs", epochBlind, fewSeeds,
			[]string{"what a bomb voided never comes back"},
		},
		{
			"a store that is down at a start is not tried again", unwoken, 2 * fewSeeds,
			[]string{"a store at rest lacks nothing", "every city is open in the end"},
		},
		{
			"what a fault kept from the store is not written", noRewrite, fewSeeds,
			[]string{string(history.WentBack), string(history.Undead), "a store at rest lacks nothing", retriesAreEqual},
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
					t.Errorf("noticed as %q, want one of %q", failure.Rule, row.rules)
				}
			}
			if len(noticed) == 0 {
				t.Errorf("none of %d seeds noticed it", row.seeds)
			}
			t.Logf("%d of %d seeds noticed it, the first of them %d", len(noticed), row.seeds, noticed[:min(5, len(noticed))])
		})
	}
}
