package reconcile

import (
	"context"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/citynode/citynode/crdt"
)

// A costly replica has as many entries as a large network, and notes what an audit takes.
type costly struct {
	*fakeReplica
	heapMost uint64 // in use, at most, as of each page
}

func newCostly(t *testing.T) *costly {
	t.Helper()
	size := 1_000_000
	if underRace {
		size /= 10
	}
	r := replicaOf(1<<16, crdt.Entries{})
	for i := range size {
		r.state.MergeHero(stampedAt(i, 1))
	}
	c := &costly{fakeReplica: r}
	r.before = func(op string) {
		var m runtime.MemStats
		if op == "page" && r.state.Summary().Heroes > 0 {
			runtime.ReadMemStats(&m)
			c.heapMost = max(c.heapMost, m.HeapAlloc)
		}
	}
	return c
}

// took returns how long an audit of all takes, and how much more memory is in use than
// before, at most.
func (c *costly) took(t *testing.T, q Query) (time.Duration, uint64) {
	t.Helper()
	// What is held counts, not what the collector has yet to find.
	defer debug.SetGCPercent(debug.SetGCPercent(5))
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	c.heapMost = 0
	begun := time.Now()
	if _, err := c.View(context.Background(), q); err != nil {
		t.Fatal(err)
	}
	return time.Since(begun), c.heapMost - min(before.HeapAlloc, c.heapMost)
}

func TestWhatAStrangerMayAskOfAnAuditIsBounded(t *testing.T) {
	c := newCostly(t)
	audit := Audit{Salt: 1, Parts: 1}
	var symbols []uint64
	for i := range wantMax {
		symbols = append(symbols, audit.Symbol(stampedAt(i, 1).Fingerprint()))
	}
	walk, _ := c.took(t, Query{Audit: audit, Locate: symbols[:1]})
	want, more := c.took(t, Query{Audit: audit, Locate: symbols})
	t.Logf("%d entries: one symbol takes %v, %d take %v, %.2f times that, and %d MiB",
		c.state.Summary().Heroes, walk, wantMax, want, float64(want)/float64(walk), more>>20)
	if want > 4*walk { // it was 16 times that, and is about 1.5
		t.Errorf("%d symbols take %v, one %v", wantMax, want, walk)
	}
	ask, more := c.took(t, Query{Cells: cellsMax, Audit: audit})
	t.Logf("%d cells take %v, %.2f times that, and %d MiB", cellsMax, ask, float64(ask)/float64(walk), more>>20)
	if more > 64<<20 {
		t.Errorf("%d cells take %d MiB, want 64 at most", cellsMax, more>>20)
	}
	v, err := c.View(t.Context(), Query{Cells: cellsMax, Audit: Audit{Salt: 1, Parts: 1 << 10}})
	if err != nil || len(v.Cells) != auditCellsMax {
		t.Errorf("%d cells, %v, want %d", len(v.Cells), err, auditCellsMax)
	}
}
