package node

import (
	"context"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/citynode/citynode/internal/twins"
)

// handOverMax bounds each of the two syncs with the process that goes on. What they do not
// bring over in that time the store keeps.
const handOverMax = 30 * time.Second

// TwinError says that this node stopped, since another process runs with its key and has
// for longer: the city's folder, or its key, was copied or restored while the other ran.
type TwinError struct {
	// Name is the city's name, Peer the peer that both are.
	Name string
	Peer peer.ID
	// Addr is where the other process was found, Started when it started.
	Addr    ma.Multiaddr
	Started time.Time
}

// Error names the other process.
func (e *TwinError) Error() string {
	return fmt.Sprintf("city %s runs twice: another process with the key of peer %s, which started at %s, answers at %s",
		e.Name, e.Peer, e.Started.UTC().Format(time.RFC3339), e.Addr)
}

// newTwins makes the watch for other processes with the own key. It is made early, as
// others hint at what it looks for, and dials nobody before it is served.
func (n *Node) newTwins(syncID, callID libp2pprotocol.ID) *twins.Watch {
	known := n.before
	for _, addr := range n.cfg.Bootstrap {
		// A list of all cities has this one too, perhaps where it was before.
		if at, id := peer.SplitAddr(addr); id == n.host.ID() && at != nil {
			known = append(known, at)
		}
	}
	return twins.New(twins.Config{
		Host:          n.host,
		Protocol:      callID,
		Network:       n.cfg.Network,
		City:          n.cfg.City.Name,
		Instance:      n.instance,
		Known:         known,
		AskNeighbours: !n.ownKey,
		Neighbours:    n.neighbours.Pick,
		Clients:       n.clients,
		Logger:        n.log,
		// The others may have taken the twin for this city.
		Found: func(*twins.Link) { n.members.Announce() },
		Yield: func(ctx context.Context, link *twins.Link) { n.yield(ctx, syncID, link) },
	})
}

// yield stops the node in favour of another process with its key. That one is given all
// that this city holds: most of it before orders are refused, the rest after the last of
// them has ended.
func (n *Node) yield(ctx context.Context, syncID libp2pprotocol.ID, link *twins.Link) {
	n.handOver(ctx, syncID, link)
	n.draining.drain()
	n.handOver(ctx, syncID, link)
	n.members.LeaveQuietly()
	n.life.stop(&TwinError{
		Name: n.cfg.City.Name, Peer: n.host.ID(), Addr: link.Addr, Started: link.Info.Instance.Started.Time(),
	})
}

// handOver syncs with the other process once. That it fails does not keep this one from
// stopping: two would go on to write the same heroes under the same orders.
func (n *Node) handOver(ctx context.Context, syncID libp2pprotocol.ID, link *twins.Link) {
	ctx, cancel := context.WithTimeout(ctx, handOverMax)
	defer cancel()
	_, err := n.entropy.SyncOver(ctx, n.host.ID(), func(ctx context.Context) (network.MuxedStream, error) {
		return link.Open(ctx, syncID)
	})
	if err != nil {
		n.log.Warn("the process that goes on was not given what this one holds", "addr", link.Addr, "err", err)
	}
}
