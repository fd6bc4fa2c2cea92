package membership

import (
	"testing"
	"testing/synctest"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/internal/detection"
	"github.com/citynode/citynode/internal/supervise"
)

func TestACityThatIsForgottenIsDialedNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &detector{directory: NewDirectory(), events: make(chan detection.Event, 1)}
		group, ctx := supervise.NewGroup(t.Context())
		d.dial(ctx, group, "gotham", func(peer.ID) bool { t.Error("it was dialed"); return true })
		if e := <-d.events; e != (detection.Gone{Peer: "gotham"}) {
			t.Errorf("the machine is told %v", e)
		}
		if err := group.Wait(); err != nil {
			t.Error(err)
		}
	})
}
