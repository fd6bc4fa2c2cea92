package membership

import (
	"context"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/bootstrap"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/detection"
	"github.com/citynode/citynode/protocol"
)

// Identify asks a peer who it is, and takes it into the directory if it is a city of
// this network. The error matches bootstrap.ErrOtherCity if the peer answers and is
// not.
func (m *Members) Identify(ctx context.Context, p peer.ID) (info protocol.InfoReply, err error) {
	ctx, cancel := context.WithTimeout(ctx, ConfirmTimeout)
	defer cancel()
	// A search of the DHT counts against the same deadline: a worker of the confirmer
	// waits for it.
	m.cfg.FindAddrs(ctx, p)
	var took time.Duration
	err = m.cfg.Clients.Ask(ctx, p, func(client *protocol.Client) (err error) {
		begun := time.Now()
		info, err = client.Info(ctx)
		took = time.Since(begun)
		return err
	})
	if err != nil {
		return info, fmt.Errorf("ask %s who it is: %w", p, err)
	}
	// The protocol ID has the network already. A program that mixes up two networks
	// must not put the cities of one into the directory of the other.
	if info.Network != m.cfg.Network {
		return info, fmt.Errorf("peer %s is of network %q: %w", p, info.Network, bootstrap.ErrOtherCity)
	}
	if err := crdt.ValidateCityName(info.City); err != nil {
		return info, fmt.Errorf("peer %s: %w: %w", p, bootstrap.ErrOtherCity, err)
	}
	changed := m.cfg.Directory.Confirmed(p, info, m.cfg.Now())
	m.cfg.Directory.NoteRTT(p, took)
	m.cfg.Hearsay.Asked(p, nil)
	m.tell(changed)
	if known, ok := m.cfg.Directory.Get(p); ok && known.Status != protocol.StatusLeft {
		m.detector.tell(ctx, detection.Alive{
			Peer: detection.Peer(p), Connected: m.detector.connected(p), Restarted: changed != nil && changed.Restarted,
		})
	}
	m.learn(ctx, p)
	m.cfg.Hooks.Identified(p, info, changed)
	m.answered(p, info)
	if changed != nil && (changed.Before == "" || changed.Restarted) {
		// The other may have come only now, and know nothing of this city. One that was
		// out of reach does.
		m.Announce()
	}
	return info, nil
}

// unanswered notes why a peer did not say who it is.
func (m *Members) unanswered(p peer.ID, err error) {
	m.log.Debug("city did not confirm itself", "peer", p, "err", err)
	m.cfg.Hearsay.Asked(p, err)
}

func (m *Members) known(p peer.ID) bool {
	_, ok := m.cfg.Directory.Get(p)
	return ok
}
