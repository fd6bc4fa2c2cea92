package membership

import (
	"fmt"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

func TestAPeerThatDoesNotAnswerRestsLongerEachTimeUpToABound(t *testing.T) {
	p, now := newPatience(), time.Now()
	for times, want := range []time.Duration{0, 0, restMin, 2 * restMin, 4 * restMin} {
		p.late("silent", now)
		if !p.isTardy("silent") {
			t.Error("it counts as prompt")
		}
		if want > 0 && !p.rests("silent", now.Add(want-1)) || p.rests("silent", now.Add(want)) {
			t.Errorf("late %d times it rests other than %v", times+1, want)
		}
	}
	for range 100 {
		p.late("silent", now)
	}
	if !p.rests("silent", now.Add(restMax-1)) || p.rests("silent", now.Add(restMax)) {
		t.Errorf("the longest rest is not %v", restMax)
	}
	p.prompt("silent")
	if p.rests("silent", now) || !p.isTardy("silent") {
		t.Error("a prompt answer does not end the rest, or makes up for all")
	}
	for range pointsMax {
		p.prompt("silent")
	}
	if p.isTardy("silent") {
		t.Error("it can never make up for it")
	}
	for n := range 2 * tardyMax {
		p.late(peer.ID(fmt.Sprint(n)), now)
	}
	if n := p.byPeer.Len(); n > tardyMax {
		t.Errorf("%d peers are remembered", n)
	}
}

func TestAPeerThatIsLateEveryOtherTimeStaysTardy(t *testing.T) {
	p, now := newPatience(), time.Now()
	for range 10 {
		p.late("sly", now)
		p.prompt("sly")
		if !p.isTardy("sly") {
			t.Fatal("it counts as prompt")
		}
	}
}
