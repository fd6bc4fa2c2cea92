package bootstrap

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"
)

func TestTheFirstCandidateThatIsVerifiedStaysTheWinner(t *testing.T) {
	var r race
	if r.note(peer.AddrInfo{ID: "other"}, fmt.Errorf("asked: %w", ErrOtherCity)) || r.note(peer.AddrInfo{ID: "silent"}, errors.New("no answer")) {
		t.Error("one that was not verified has won")
	}
	if !r.note(peer.AddrInfo{ID: "first"}, nil) || r.note(peer.AddrInfo{ID: "second"}, nil) {
		t.Error("not the first alone has won")
	}
	if r.winner.ID != "first" || !slices.Equal(r.silent, []peer.ID{"silent"}) {
		t.Errorf("%s has won, silent were %s", r.winner.ID, r.silent)
	}
}
