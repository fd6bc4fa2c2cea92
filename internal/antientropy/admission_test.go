package antientropy

import (
	"strconv"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"
)

func TestAPeerHasRoomForAFewSyncsAndNoMore(t *testing.T) {
	d := newAdmission()
	var leave []func()
	for range respondersPerPeer {
		out, ok := d.enter("p")
		if !ok {
			t.Fatal("refused within the bound")
		}
		leave = append(leave, out)
	}
	if _, ok := d.enter("p"); ok {
		t.Error("one more than the bound was admitted")
	}
	if _, ok := d.enter("q"); !ok {
		t.Error("another peer was refused")
	}
	leave[0]()
	if _, ok := d.enter("p"); !ok {
		t.Error("refused though one has left")
	}
}

func TestAllPeersTogetherHaveTheirBoundAndLeaveNothingBehind(t *testing.T) {
	d := newAdmission()
	var leave []func()
	for i := 0; ; i++ {
		out, ok := d.enter(peer.ID(strconv.Itoa(i)))
		if !ok {
			break
		}
		leave = append(leave, out)
	}
	if len(leave) != RespondersMax {
		t.Errorf("%d admitted, want %d", len(leave), RespondersMax)
	}
	for _, out := range leave {
		out()
	}
	if d.all != 0 || len(d.byPeer) != 0 {
		t.Errorf("%d in all, by peer %v", d.all, d.byPeer)
	}
}
