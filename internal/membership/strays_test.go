package membership

import (
	"slices"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"
)

func TestAPeerThatGossipsAndIsNoNeighbourIsAskedEverLessOften(t *testing.T) {
	var s strays
	var asked []int
	isNeighbour := func(p peer.ID) bool { return p != "stray" }
	for second := 1; second <= 200; second++ {
		for _, p := range s.due([]peer.ID{"city", "stray"}, isNeighbour) {
			if p != "stray" {
				t.Errorf("asked %s", p)
			}
			asked = append(asked, second)
		}
	}
	if want := []int{4, 8, 16, 32, 64, 128, 192}; !slices.Equal(asked, want) {
		t.Errorf("asked at %v, want %v", asked, want)
	}
	if s.due(nil, isNeighbour); len(s.looks) != 0 {
		t.Errorf("one that has left the topic is remembered: %v", s.looks)
	}
}
