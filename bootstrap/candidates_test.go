package bootstrap

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

func TestACandidateThatCannotBeAskedRestsLongerEachTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newMockTowns(t, 1).towns[0]
		c, now := newCandidates(), time.Now()
		for _, want := range []time.Duration{candidateRestMin, 2 * candidateRestMin, 4 * candidateRestMin} {
			c.note("silent", false, now)
			if !c.rests(h, "silent", now.Add(want-1)) || c.rests(h, "silent", now.Add(want)) {
				t.Errorf("it rests other than %v", want)
			}
		}
		for range 100 {
			c.note("silent", false, now)
		}
		if c.rests(h, "silent", now.Add(candidateRestMax)) {
			t.Errorf("it rests longer than %v", candidateRestMax)
		}
		c.note("silent", true, now)
		if c.rests(h, "silent", now) || c.rests(h, "another", now) {
			t.Error("one that has answered rests")
		}
		for n := range 2 * failedMax {
			c.note(peer.ID(fmt.Sprint(n)), false, now)
		}
		if c.failed.Len() > failedMax {
			t.Errorf("%d are remembered", c.failed.Len())
		}
	})
}

func TestACandidateThatIsConnectedDoesNotRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMockTowns(t, 2)
		time.Sleep(10 * time.Second)
		c, other := newCandidates(), m.towns[1].ID()
		c.note(other, false, time.Now())
		if c.rests(m.towns[0], other, time.Now()) {
			t.Error("it rests")
		}
	})
}

// Of many that provide a name and do not answer a lookup tries a few, and the next lookup
// others, so that the city among them is found.
func TestALookupTriesAFewAndTheNextOneOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMockTowns(t, 1)
		var infos []peer.AddrInfo
		for range 3 * triedMax {
			infos = append(infos, peer.AddrInfo{ID: newMockTowns(t, 1).towns[0].ID()}) // of another network
		}
		before := newCandidates()
		for round := range 4 {
			all := make(chan peer.AddrInfo, len(infos))
			for _, info := range infos {
				all <- info
			}
			close(all)
			r := race{host: m.towns[0], verify: anybody, told: addrsTold(m.towns[0]), before: before, all: make(chan struct{}, candidatesInAll)}
			if r.run(t.Context(), func() {}, all) != nil || len(r.silent) != len(infos) {
				t.Fatalf("%d of %d are told to be silent", len(r.silent), len(infos))
			}
			if want := min((round+1)*triedMax, len(infos)); before.failed.Len() != want {
				t.Errorf("after %d lookups %d have been tried, want %d", round+1, before.failed.Len(), want)
			}
		}
	})
}
