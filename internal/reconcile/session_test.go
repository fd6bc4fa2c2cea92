package reconcile

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/crdt/crdttest"
)

func TestTwoReplicasAreEqualAfterOneSession(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawReplica(t, "a"), drawReplica(t, "b")
		want := differing(a.state, b.state)
		left, right, err := run(t.Context(), a, b)
		if err != nil {
			t.Fatal(err)
		}
		if a.state.Summary() != b.state.Summary() {
			t.Fatalf("summaries differ: %+v, %+v", a.state.Summary(), b.state.Summary())
		}
		for _, r := range []Result{left, right} {
			if !r.Complete || r.Differed != want || r.Skipped != 0 {
				t.Errorf("result %+v, want complete, %d differed, none skipped", r, want)
			}
		}
	})
}

func drawReplica(t *rapid.T, label string) *fakeReplica {
	r := newFakeReplica(rapid.IntRange(1, 600).Draw(t, label+" page bytes"))
	for _, e := range rapid.SliceOfN(crdttest.Entries(), 0, 4).Draw(t, label) {
		r.state.Merge(e, crdt.NoHorizon)
	}
	return r
}
