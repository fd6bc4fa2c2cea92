package crdt_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/crdt/crdttest"
)

func TestVersionComparesOrderThenReplicaThenWrite(t *testing.T) {
	ascending := []crdt.Version{
		{},
		{HLC: 9},
		{Replica: 1, HLC: 0},
		{Replica: 1, HLC: 9},
		{Replica: 1 << 63, HLC: 0},
		{Assigned: 1, HLC: 1},
		{Assigned: 1, HLC: 9},
		{Assigned: 1, Replica: 1, HLC: 1},
		{Assigned: 2, Replica: 0, HLC: 2},
		{Assigned: 1 << 63, Replica: 0, HLC: 1 << 63},
	}
	for i, a := range ascending {
		for j, b := range ascending {
			want := 0
			if i != j {
				want = map[bool]int{true: -1, false: 1}[i < j]
			}
			if got := a.Compare(b); got != want {
				t.Errorf("%+v.Compare(%+v) = %d, want %d", a, b, got, want)
			}
		}
	}
}

func TestVersionOrderIsTotal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := crdttest.Version()
		a, b, c := g.Draw(t, "a"), g.Draw(t, "b"), g.Draw(t, "c")
		if a.Compare(b) != -b.Compare(a) || (a.Compare(b) == 0) != (a == b) {
			t.Fatal("not antisymmetric")
		}
		if a.Compare(b) <= 0 && b.Compare(c) <= 0 && a.Compare(c) > 0 {
			t.Fatal("not transitive")
		}
	})
}

func TestSameOrderIgnoresTheWrite(t *testing.T) {
	v := crdt.Version{Assigned: 1, Replica: 2, HLC: 3}
	for _, tc := range []struct {
		other crdt.Version
		want  bool
	}{
		{v, true},
		{crdt.Version{Assigned: 1, Replica: 2, HLC: 9}, true},
		{crdt.Version{Assigned: 2, Replica: 2, HLC: 3}, false},
		{crdt.Version{Assigned: 1, Replica: 3, HLC: 3}, false},
	} {
		if got := v.SameOrder(tc.other); got != tc.want {
			t.Errorf("SameOrder(%+v) = %v", tc.other, got)
		}
	}
}

// The expected number was computed apart: sha256sum of the bytes "peer".
func TestReplicaIsTheHeadOfTheHashOfThePeerID(t *testing.T) {
	if got, want := crdt.ReplicaOf([]byte("peer")), crdt.ReplicaID(0x2ffc1d06387ef8bb); got != want {
		t.Fatalf("ReplicaOf = %#x, want %#x", uint64(got), uint64(want))
	}
}
