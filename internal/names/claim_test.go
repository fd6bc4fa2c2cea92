package names

import (
	"math/rand/v2"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/crdt"
)

func TestTheOlderClaimBeatsTheYoungerAndOfTwoAsOldTheLowerPeer(t *testing.T) {
	claimed := func(id string, since crdt.Stamp) claim {
		return claim{holder: peer.AddrInfo{ID: peer.ID(id)}, since: since}
	}
	older, younger := claimed("b", crdt.EarliestSet), claimed("a", crdt.EarliestSet+1)
	const now = 1 << 62
	if !older.beats(younger, now) || younger.beats(older, now) {
		t.Error("the older does not beat the younger")
	}
	if low, high := claimed("a", crdt.EarliestSet), claimed("b", crdt.EarliestSet); !low.beats(high, now) || high.beats(low, now) {
		t.Error("of two as old the lower peer does not win")
	}
	for _, wrong := range []claim{claimed("a", crdt.EarliestSet-1), claimed("a", now+1)} {
		if wrong.beats(younger, now) || !younger.beats(wrong, now) {
			t.Errorf("a claim by a clock that was wrong wins: %+v", wrong)
		}
	}
	if low, high := claimed("a", now+9), claimed("b", now+1); !low.beats(high, now) || high.beats(low, now) {
		t.Error("of two claims from the future, which count as made now, the lower peer does not win")
	}
	chance := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		some := make([]claim, 2)
		for i := range some {
			some[i] = claimed(string(rune('a'+chance.IntN(2))), crdt.EarliestSet-1+crdt.Stamp(chance.IntN(3)))
		}
		if a, b := some[0], some[1]; a.holder.ID != b.holder.ID && a.beats(b, now) == b.beats(a, now) {
			t.Fatalf("%+v and %+v both keep the name, or neither does", a, b)
		}
	}
}
