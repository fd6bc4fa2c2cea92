package main

import (
	"testing"

	"github.com/citynode/citynode/crdt"
)

func TestReplicasBecomeEqualForLittle(t *testing.T) {
	gotham, metropolis := replicas()
	if gotham.Summary() == metropolis.Summary() {
		t.Fatal("the replicas are equal at first")
	}
	sent, err := reconcile(gotham, metropolis)
	if err != nil {
		t.Fatal(err)
	}
	if gotham.Summary() != metropolis.Summary() {
		t.Errorf("gotham holds %+v, metropolis %+v", gotham.Summary(), metropolis.Summary())
	}
	if whole := encodedSize(gotham); sent > whole/100 {
		t.Errorf("%d bytes were sent for states of %d", sent, whole)
	}
	if r := metropolis.Record(idOf(1)); r.Kind != crdt.KindTombstone {
		t.Errorf("who died is a %s", r.Kind)
	}
	if h, _ := gotham.Hero(idOf(2)); h.Location != "metropolis" {
		t.Errorf("who was ordered away last is in %s", h.Location)
	}
}

func TestStatesThatDifferInAllAreNotReconciled(t *testing.T) {
	gotham, _ := replicas()
	if _, err := reconcile(crdt.NewState(), gotham); err == nil {
		t.Error("an empty state was reconciled with a full one by a sketch of an empty one")
	}
}
