package reconcile

import (
	"context"
	"slices"
	"testing"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/crdt/crdttest"
)

// An audit that may hold few entries at once walks more often, and comes to the same.
func TestAnAuditOfManyEntriesIsMadeOfSeveralWalks(t *testing.T) {
	r := replicaOf(300, heroes(0, 1000))
	audit := Query{Cells: 512, Audit: Audit{Salt: 1, Parts: 1}}
	walks := 0
	pages := func(ctx context.Context, at crdt.Cursor) (Page, error) {
		if at == 0 {
			walks++
		}
		return r.Page(ctx, at)
	}
	want, err := auditSketch(t.Context(), pages, audit, newMarks(audit.Audit, 1000, nil))
	if err != nil || walks != 1 {
		t.Fatalf("%d walks, %v", walks, err)
	}
	for most, enough := range map[int]int{100: 11, 333: 4, 999: 2} {
		walks = 0
		got, err := auditSketch(t.Context(), pages, audit, newMarks(audit.Audit, most, nil))
		if err != nil || !slices.Equal(got, want) || walks > enough {
			t.Errorf("%d at once: equal %t, %d walks, want %d at most, %v", most, slices.Equal(got, want), walks, enough, err)
		}
	}
}

func TestMarksHoldNoMoreThanTheyMay(t *testing.T) {
	const most = 100
	m := newMarks(Audit{Salt: 1, Parts: 1}, most, nil)
	m.expect(1 << 40)
	room := cap(m.met)
	for i := range 50 * most { // the greatest first, so that each makes others leave
		h := crdt.Hero{ID: crdttest.IDOf(50*most - i)}
		if m.takes(h.ID) {
			m.add(h.ID, h.Fingerprint())
		}
	}
	if cap(m.met) != room || room > most+most/2 {
		t.Errorf("room for %d, %d at first, want %d at most", cap(m.met), room, most+most/2)
	}
	if m.shrink(); len(m.met) != most || !m.bounded {
		t.Errorf("%d are left, bounded %t", len(m.met), m.bounded)
	}
}
