package connlimit

import (
	"container/list"
	"net/netip"
	"testing"
	"time"
)

var (
	mallory = netip.MustParsePrefix("10.0.0.1/32")
	robin   = netip.MustParsePrefix("10.0.0.2/32")
	start   = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
)

func newSilents(inAll, perHost int) *silents {
	return &silents{shares: Shares{Silent: inAll, SilentPerHost: perHost}, byHost: map[netip.Prefix]*list.List{}}
}

// from returns a connection of that address, so long after the start.
func from(host netip.Prefix, after time.Duration) *silent {
	return &silent{host: host, since: start.Add(after)}
}

func TestTheOldestSilentOneOfAnAddressMakesRoomForItsNext(t *testing.T) {
	a := newSilents(100, 8)
	first := from(mallory, 0)
	for n, s := 0, first; n < 4; n, s = n+1, from(mallory, time.Duration(n+1)*time.Millisecond) {
		if evicted, ok := a.add(s); evicted != nil || !ok {
			t.Fatalf("number %d: %v, %t", n, evicted, ok)
		}
	}
	if evicted, ok := a.add(from(mallory, youngFor)); evicted != first || !ok {
		t.Errorf("%v was cut, %t, want the first", evicted, ok)
	}
	if a.count != 4 {
		t.Errorf("%d are counted, want 4", a.count)
	}
}

// All cities behind one address come back at once when its line does.
func TestABurstOfOneAddressIsNotCutForBeingYoung(t *testing.T) {
	a := newSilents(192, 64)
	for n := range 64 {
		if evicted, ok := a.add(from(mallory, time.Duration(n)*time.Millisecond)); evicted != nil || !ok {
			t.Fatalf("number %d of a burst: %v cut, admitted %t", n, evicted, ok)
		}
	}
	if _, ok := a.add(from(mallory, 64*time.Millisecond)); ok {
		t.Error("an address has more than its share")
	}
	if _, ok := a.add(from(robin, 64*time.Millisecond)); !ok {
		t.Error("another address is refused for it")
	}
}

func TestWhereAllAreTooManyTheAddressThatHasMostMakesRoom(t *testing.T) {
	a := newSilents(6, 8)
	first := from(mallory, 0)
	for _, s := range []*silent{first, from(mallory, 1), from(mallory, 2), from(mallory, 3)} {
		a.add(s)
	}
	a.add(from(netip.MustParsePrefix("10.0.0.3/32"), 4))
	a.add(from(netip.MustParsePrefix("10.0.0.4/32"), 5))
	if evicted, ok := a.add(from(robin, youngFor)); evicted != first || !ok {
		t.Errorf("%v was cut, %t, want the oldest of the address with four", evicted, ok)
	}
	if evicted, ok := a.add(from(robin, 6)); evicted != nil || ok || a.count != 6 {
		t.Errorf("with nobody to make room: %v cut, admitted %t, %d counted", evicted, ok, a.count)
	}
}

func TestWhoSpeaksLeavesNothingBehind(t *testing.T) {
	a := newSilents(6, 4)
	s := from(mallory, 0)
	a.add(s)
	a.remove(s)
	a.remove(s)
	if a.count != 0 || len(a.byHost) != 0 {
		t.Errorf("%d are counted, of %d addresses", a.count, len(a.byHost))
	}
}
