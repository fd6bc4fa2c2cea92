package crdt_test

import (
	"testing"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/crdt/crdttest"
)

func TestToWarmChangesNothing(t *testing.T) {
	s := crdt.NewState()
	var ids []crdt.ID
	for i := range 100 {
		switch ids = append(ids, crdttest.IDOf(i)); i % 3 {
		case 0:
			s.MergeHero(heroOf(i, 0))
		case 1:
			s.MergeTombstone(crdt.Tombstone{ID: crdttest.IDOf(i)})
		}
	}
	before := s.Summary()
	for n := range ids {
		s.Warm(ids[:n]...)
	}
	if s.Summary() != before {
		t.Errorf("%+v became %+v", before, s.Summary())
	}
}
