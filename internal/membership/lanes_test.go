package membership

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/internal/supervise"
	"github.com/citynode/citynode/protocol"
)

// peersOf is a host as far as a confirmer asks it: who is connected.
type peersOf struct {
	host.Host
	links links
}

func (h peersOf) Network() network.Network { return h.links }

type links struct {
	network.Network
	connected func(peer.ID) bool
}

func (l links) Connectedness(p peer.ID) network.Connectedness {
	if l.connected(p) {
		return network.Connected
	}
	return network.NotConnected
}

// honest answers for peers whose names begin with "honest"; others never answer.
type honest struct {
	mu       sync.Mutex // guards answered
	answered map[peer.ID]time.Time
}

func isHonest(p peer.ID) bool { return len(p) > 6 && p[:6] == "honest" }

func (h *honest) Identify(ctx context.Context, p peer.ID) (protocol.InfoReply, error) {
	if !isHonest(p) {
		<-ctx.Done()
		return protocol.InfoReply{}, errors.New("silence")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answered[p] = time.Now()
	return protocol.InfoReply{}, nil
}

func (*honest) unanswered(peer.ID, error) {}
func (*honest) known(p peer.ID) bool      { return p == "honest known" }

// Ten new keys a second that connect, and ten of which there are presences alone, keep
// neither a known city waiting nor one that connects.
func TestNobodyWaitsForThoseWhoNeverAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		isConnected := func(p peer.ID) bool { return p[0] == 'c' || p == "honest connected" }
		asked := &honest{answered: map[peer.ID]time.Time{}}
		c := newConfirmer(peersOf{links: links{connected: isConnected}}, asked)
		ctx, stop := context.WithCancel(t.Context())
		group, ctx := supervise.NewGroup(ctx)
		for i := range c.lanes {
			of := &c.lanes[i]
			for n := range of.workers {
				group.Go(func() error { return c.work(ctx, of, n < of.promptOnly) })
			}
		}
		for n := range 300 { // thirty seconds
			c.ask(peer.ID(fmt.Sprint("c", n)), contact)
			c.ask(peer.ID(fmt.Sprint("heard of", n)), sign)
			time.Sleep(100 * time.Millisecond)
		}
		begun := time.Now()
		c.ask("honest known", sign)
		c.ask("honest connected", contact)
		time.Sleep(10 * time.Second)
		asked.mu.Lock()
		for _, p := range []peer.ID{"honest known", "honest connected"} {
			if at, ok := asked.answered[p]; !ok || at.Sub(begun) > time.Second {
				t.Errorf("%s: asked %t, after %v", p, ok, at.Sub(begun))
			}
		}
		asked.mu.Unlock()
		stop()
		if err := group.Wait(); err != nil {
			t.Error(err)
		}
	})
}
