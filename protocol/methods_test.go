package protocol

import (
	"maps"
	"slices"
	"testing"
)

func TestOrdersAreTheMethodsThatWriteToTheState(t *testing.T) {
	want := []string{MethodAssign, MethodCreate, MethodRetire, MethodUpdate}
	var got []string
	for _, name := range slices.Sorted(maps.Keys(methods)) {
		if IsOrder(name) {
			got = append(got, name)
		}
	}
	if !slices.Equal(got, want) || IsOrder("dance") {
		t.Errorf("orders are %v, want %v", got, want)
	}
}
