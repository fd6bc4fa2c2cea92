package sim

import "testing"

// Strangers bring more new IDs than cities take, by every way in. What the cities know gets
// in all the same, an admin is answered, and in the end all cities hold the same.
func TestAFloodOfNewIDsKeepsOutNothingThatIsKnown(t *testing.T) {
	var total Counts
	for _, r := range playAll(t, Config{flooded: true}, fewSeeds) {
		if r.err != nil {
			t.Error(r.err)
		}
		total.add(r.report.Counts)
	}
	t.Logf("%d seeds: %+v", fewSeeds, total)
	if total.PutOff == 0 {
		t.Error("nobody brings more than cities take")
	}
}
