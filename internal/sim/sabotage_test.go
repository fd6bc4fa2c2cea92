package sim

import (
	"errors"
	"testing"
)

// A simulation that finds nothing proves something only if it would find what
// is wrong. The rules of crdt, city and reconcile were broken one by one while
// this was written; what is left here is what the simulated shell can break.
func TestABrokenRuleIsNoticed(t *testing.T) {
	for _, row := range []struct {
		name     string
		sabotage sabotage
		rules    []string // any of these
	}{
		{
			"a cut session counts as complete", cutIsComplete,
			[]string{"after a complete sync each side holds what the other held"},
		},
		{
			"tombstones get lost", forgetTombstones,
			[]string{"after a complete sync each side holds what the other held"},
		},
		{
			"sessions outlive incarnations", blindMerge,
			[]string{"after a complete sync each side holds what the other held", "a correct session violates no rule"},
		},
		{
			"no rule for future stamps", clockBlind,
			[]string{"a hero is taken when it is due"},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			noticed := 0
			for _, r := range playAll(t, Config{sabotage: row.sabotage}, fewSeeds) {
				if r.err == nil {
					continue
				}
				noticed++
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
			if noticed == 0 {
				t.Errorf("none of %d seeds noticed it", fewSeeds)
			}
			t.Logf("%d of %d seeds noticed it", noticed, fewSeeds)
		})
	}
}
