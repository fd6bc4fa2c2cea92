package node

import (
	"sync"
	"testing"
	"testing/synctest"
)

func TestTwoCitiesThatSyncWithEachOtherAtOnceAreEqual(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		cfg, other := quiet("gotham"), quiet("metropolis")
		cfg.NoGossip, other.NoGossip = true, true
		gotham := net.start(t, cfg)
		metropolis := net.start(t, other, gotham)
		awaitReady(t, gotham, metropolis)
		awaitAlive(t, gotham, metropolis)
		for range 20 {
			for range 30 {
				gotham.create(t, "Batman")
				metropolis.create(t, "Superman")
			}
			var both sync.WaitGroup
			for _, pair := range [][2]*member{{gotham, metropolis}, {metropolis, gotham}} {
				both.Go(func() {
					if _, err := pair[0].entropy.Sync(t.Context(), pair[1].Peer()); err != nil {
						t.Error(err)
					}
				})
			}
			both.Wait()
			if !equal([]*member{gotham, metropolis}) {
				t.Fatal("not equal after two sessions at once")
			}
		}
	})
}
