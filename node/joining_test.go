package node

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
)

func TestTheTransferOfAWholeStateIsToldOf(t *testing.T) {
	const size = 20_000
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		gotham := net.start(t, quiet("gotham"))
		awaitReady(t, gotham)
		var crowd crdt.Entries
		for n := range size {
			h := aHero(newID(), 50).Hero
			h.Name = fmt.Sprint("hero ", n)
			crowd.Heroes = append(crowd.Heroes, h)
		}
		gotham.do(t, city.Update{Entries: crowd, Source: city.SourceStore})
		var (
			mu   sync.Mutex // guards told
			told []JoinProgress
		)
		cfg := quiet("metropolis")
		cfg.Events.Joining = func(p JoinProgress) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, p)
		}
		m := net.start(t, cfg, gotham)
		awaitReady(t, m)
		awaitEqual(t, gotham, m)
		mu.Lock()
		defer mu.Unlock()
		if len(told) == 0 {
			t.Fatal("nothing was told")
		}
		for _, p := range told {
			if p.Peer != gotham.Peer() || p.Entries > size+size/10 || p.Of != size {
				t.Errorf("told of %+v", p)
			}
		}
		if s := m.status(t); s.Joining != nil {
			t.Errorf("a transfer that is over is still shown: %+v", s.Joining)
		}
	})
}
