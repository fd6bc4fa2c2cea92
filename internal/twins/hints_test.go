package twins

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	ma "github.com/multiformats/go-multiaddr"
)

func addr(n int) ma.Multiaddr {
	return ma.StringCast(fmt.Sprintf("/ip4/10.0.%d.%d/tcp/4900", n/256, n%256))
}

func TestHintsAreDialedAtABoundedRate(t *testing.T) {
	h, now, dialed := newHints(), time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC), 0
	for n := range 10_000 { // a thousand a second, all different
		if h.due(addr(n), now.Add(time.Duration(n)*time.Millisecond)) {
			dialed++
		}
	}
	if most := dialBurst + 10*dialRate; dialed > most || dialed < most-2 {
		t.Errorf("%d were dialed in 10 s, want %d", dialed, most)
	}
}

func TestAnAddressIsDialedAgainAfterAPauseAndTheOwnOneAfterALongOne(t *testing.T) {
	h, now := newHints(), time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, row := range []struct {
		after time.Duration
		due   bool
	}{{0, true}, {againAfter - 1, false}, {againAfter, true}} {
		if due := h.due(addr(1), now.Add(row.after)); due != row.due {
			t.Errorf("after %v: %t", row.after, due)
		}
	}
	h.own(addr(2), now)
	if h.due(addr(2), now.Add(ownAfter-1)) || !h.due(addr(2), now.Add(ownAfter)) {
		t.Error("the own address is not dialed again after its pause")
	}
}

// Who hints may be the goroutine that takes the hints.
func TestAHintWaitsForNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // which fails where all wait for ever
		w := New(Config{})
		for n := range 2 * (hintsMax + neighboursMax) {
			w.Hint(addr(n))
			w.HintFrom("a neighbour")
		}
	})
}

func TestATwinIsToldOfOnceAMinute(t *testing.T) {
	h, now := newHints(), time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	if !h.tell(now) || h.tell(now.Add(warnEvery-1)) || !h.tell(now.Add(warnEvery)) {
		t.Error("not told once a minute")
	}
}

func TestANeighbourFarAwayNamesNoPrivateAddress(t *testing.T) {
	public, private, loopback := ma.StringCast("/ip4/1.2.3.4/tcp/1"), addr(1), ma.StringCast("/ip4/127.0.0.1/tcp/1")
	all := []ma.Multiaddr{private, public, loopback}
	if got := believable(all, public); len(got) != 1 || !got[0].Equal(public) {
		t.Errorf("of one far away: %v", got)
	}
	if got := believable(all, private); len(got) != len(all) {
		t.Errorf("of one nearby: %v", got)
	}
	var many []ma.Multiaddr
	for n := range 3 * addrsMax {
		many = append(many, addr(n))
	}
	if got := believable(many, private); len(got) != addrsMax {
		t.Errorf("%d addresses of one neighbour are taken", len(got))
	}
}
