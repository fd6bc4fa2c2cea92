package node

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"

	"github.com/citynode/citynode/internal/streams"
	"github.com/citynode/citynode/protocol"
)

// overlook has a member take another for a peer that does not serve as a city, as where the
// word that it begins to serve was taken before an older one.
func (m *member) overlook(t *testing.T, other peer.ID) {
	t.Helper()
	spoken, err := m.host.Peerstore().GetProtocols(other)
	if err != nil {
		t.Fatal(err)
	}
	var old []libp2pprotocol.ID
	for _, id := range spoken {
		if ours := m.protocols(); !streams.SpeaksAll(ours, id) {
			old = append(old, id)
		}
	}
	if err := m.host.Peerstore().SetProtocols(other, old...); err != nil {
		t.Fatal(err)
	}
}

// protocols are those of a city.
func (m *member) protocols() []libp2pprotocol.ID {
	return []libp2pprotocol.ID{
		libp2pprotocol.ID(protocol.CallID(m.cfg.Network)), libp2pprotocol.ID(protocol.SyncID(m.cfg.Network)),
	}
}

func TestACityThatWasOverlookedIsANeighbourInSeconds(t *testing.T) {
	for fact, known := range map[string]bool{"and is known": true, "and is not": false} {
		t.Run(fact, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gotham, metropolis := twoCities(t)
				time.Sleep(10 * time.Second)
				gotham.overlook(t, metropolis.Peer())
				if !known {
					gotham.directory.Forget(metropolis.Peer())
				}
				within(t, 6*time.Second, "noticing", func() {
					eventually(t, "it is a neighbour", func() bool {
						e, ok := gotham.directory.Get(metropolis.Peer())
						return ok && e.Status == Alive && gotham.neighbours.Has(metropolis.Peer())
					})
				})
			})
		})
	}
}
