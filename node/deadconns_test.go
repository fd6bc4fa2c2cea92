package node

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/protocol"
)

// killed is a city that was killed, as a power cut kills it, and the others of
// its network, whose connections to it look alive for 30 s.
func killed(t *testing.T, net *simNet) (cfg Config, others []*member) {
	t.Helper()
	cfg = quiet("gotham")
	cfg.Identity, cfg.DataDir, cfg.Ephemeral = newKey(t), t.TempDir(), true
	others = []*member{net.start(t, quiet("metropolis"))}
	others = append(others, net.start(t, quiet("star"), others[0]))
	gotham := net.start(t, cfg, others[0])
	awaitReady(t, append(others, gotham)...)
	awaitAlive(t, append(others, gotham)...)
	gotham.create(t, "Batman")
	awaitEqual(t, append(others, gotham)...)
	time.Sleep(time.Minute)
	net.cut(gotham.host)
	gotham.leave(t)
	return cfg, others
}

func TestACityThatWasKilledIsAliveToAllAsSoonAsItServes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newSimNet(t)
		cfg, others := killed(t, net)
		again := net.start(t, cfg, others[0])
		within(t, 8*time.Second, "coming back", func() {
			for _, c := range others {
				eventually(t, c.cfg.City.Name+" knows that it is back", func() bool {
					e, _ := c.directory.Get(again.Peer())
					return e.Status == Alive && e.Presence.Incarnation == again.facts.Incarnation()
				})
			}
			awaitEqual(t, append(others, again)...)
		})
		for _, c := range others {
			// It serves so soon that the connection to the process before may not be closed
			// yet: that takes two seconds from when there is another.
			within(t, 3*time.Second, "a call", func() {
				c.call(t, "gotham", func(ctx context.Context, client *protocol.Client) error {
					_, err := client.Info(ctx)
					return err
				})
			})
			eventually(t, c.cfg.City.Name+" gossips with all again", func() bool { return len(c.presences()) == 2 })
		}
	})
}

func TestOfTwoConnectionsTheOneThatIsSilentIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newSimNet(t)
		gotham := net.start(t, quiet("gotham"))
		awaitReady(t, gotham)
		key := newKey(t)
		before := newStrangerAs(t, net, key)
		before.claims("metropolis")
		before.meets(t, gotham)
		awaitKnown(t, gotham, before.ID())
		old := gotham.host.Network().ConnsToPeer(before.ID())
		net.cut(before)
		after := newStrangerAs(t, net, key)
		after.claims("metropolis")
		after.meets(t, gotham)
		within(t, 3*time.Second, "noticing", func() {
			eventually(t, "the old connection is closed", func() bool { return old[0].IsClosed() })
		})
		if left := gotham.host.Network().ConnsToPeer(after.ID()); len(left) != 1 || left[0].IsClosed() {
			t.Errorf("left are %v", left)
		}
	})
}

func awaitKnown(t *testing.T, m *member, p peer.ID) {
	t.Helper()
	eventually(t, "it is known", func() bool { _, ok := m.directory.Get(p); return ok })
}
