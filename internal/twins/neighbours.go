package twins

import (
	"context"
	"time"

	"github.com/hashicorp/golang-lru/v2"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/citynode/citynode/internal/wake"
	"github.com/citynode/citynode/protocol"
)

const (
	// lookEvery is how often new neighbours are looked for. It asks no other host.
	lookEvery = time.Second
	// askEvery is how often one of the neighbours is asked again, so that a twin is
	// noticed within 10 s which only they can tell of. A question and its answer take
	// some 200 bytes.
	askEvery = 5 * time.Second
	// neighboursMax bounds the neighbours that are asked when they come.
	neighboursMax = 32
	// neighbourTimeout bounds one question. A neighbour that is silent is asked later.
	neighbourTimeout = 2 * time.Second
)

// askNeighbours asks each neighbour that comes where it knows this peer, and then one of
// them now and then. A neighbour to which a twin is connected names the twin's address.
func (w *Watch) askNeighbours(ctx context.Context) error {
	met, err := lru.New[peer.ID, struct{}](neighboursMax)
	if err != nil {
		return err // only for a size that is not positive
	}
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	again := time.NewTimer(wake.Jitter(askEvery))
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case p := <-w.asked:
			w.askNeighbour(ctx, p)
		case <-again.C:
			for _, p := range w.cfg.Neighbours(1) {
				w.askNeighbour(ctx, p)
			}
			again.Reset(wake.Jitter(askEvery))
		case <-look.C:
			for _, p := range w.cfg.Neighbours(neighboursMax) {
				if !met.Contains(p) {
					met.Add(p, struct{}{})
					w.HintFrom(p)
				}
			}
		}
	}
}

// askNeighbour asks a neighbour where it would dial this peer, and hints at what it says.
func (w *Watch) askNeighbour(ctx context.Context, p peer.ID) {
	ctx, cancel := context.WithTimeout(ctx, neighbourTimeout)
	defer cancel()
	conns := w.cfg.Host.Network().ConnsToPeer(p)
	if w.cfg.Host.Network().Connectedness(p) != network.Connected || len(conns) == 0 {
		return
	}
	var reply protocol.LookupReply
	err := w.cfg.Clients.Ask(ctx, p, func(client *protocol.Client) (err error) {
		reply, err = client.Lookup(ctx, w.cfg.City)
		return err
	})
	if err != nil || peer.ID(reply.Peer) != w.cfg.Host.ID() {
		return // it does not know this city yet, or is of an older version
	}
	var addrs []ma.Multiaddr
	for _, b := range reply.Addrs {
		if addr, err := ma.NewMultiaddrBytes(b); err == nil {
			addrs = append(addrs, addr)
		}
	}
	w.Hint(believable(addrs, conns[0].RemoteMultiaddr())...)
}
