package membership

import (
	"context"
	"errors"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"

	"github.com/citynode/citynode/internal/detection"
	"github.com/citynode/citynode/internal/streams"
	"github.com/citynode/citynode/internal/supervise"
	"github.com/citynode/citynode/protocol"
)

const (
	// PresenceBytesMax is well above the longest presence, 479 bytes: a newer version may
	// add fields, which this one skips.
	PresenceBytesMax = 1 << 10
)

// receive takes the presences of others.
func (m *Members) receive(ctx context.Context, sub *pubsub.Subscription) error {
	for {
		message, err := sub.Next(ctx)
		if err != nil {
			return supervise.UnlessDone(ctx, err)
		}
		// The author has signed the message. The peer that passed it on may be any.
		author := message.GetFrom()
		if news, ok := message.ValidatorData.(protocol.Presence); ok && author != m.cfg.Host.ID() {
			m.hear(author, message.ReceivedFrom, news)
		}
	}
}

// hear applies a presence that via has passed on. News that the directory cannot take
// unasked, such as a name or an incarnation that it does not know, is put to its author. A
// goodbye of a city that is not known is not: nobody would answer.
func (m *Members) hear(author, via peer.ID, news protocol.Presence) {
	m.deaf.passed(via)
	changed, confirm := m.cfg.Directory.Hear(author, news, m.cfg.Now())
	m.tell(changed)
	if confirm {
		m.overhear(author, via, news)
	}
	switch {
	case confirm && !news.Leaving:
		m.confirm.ask(author, sign)
	case !confirm && changed == nil:
		m.showed(author, news)
	}
}

// followPeers asks each city that connects who it is, and tells the detector of
// connections. libp2p tells in the same way of a city that is connected and begins to
// serve.
func (m *Members) followPeers(ctx context.Context, events <-chan any) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case e, ok := <-events:
			if !ok {
				return supervise.UnlessDone(ctx, errors.New("news of connections ended"))
			}
			switch e := e.(type) {
			case event.EvtPeerIdentificationCompleted:
				m.detector.note(e)
				m.detector.tell(ctx, detection.Connected{Peer: detection.Peer(e.Peer)})
				m.connected(e.Peer, e.Protocols)
			case event.EvtPeerConnectednessChanged:
				if e.Connectedness == network.NotConnected {
					m.detector.tell(ctx, detection.Disconnected{Peer: detection.Peer(e.Peer)})
					m.cfg.Hooks.Departed(e.Peer)
				}
			}
		}
	}
}

// askConnected asks those that connected before there was news of it.
func (m *Members) askConnected() {
	for _, other := range m.cfg.Host.Network().Peers() {
		if m.cfg.Neighbours.Has(other) {
			m.confirm.ask(other, contact)
		}
	}
}

// connected notes a new connection. A city that is starting does not serve yet. A
// city that is known may have been killed and be starting again.
func (m *Members) connected(who peer.ID, spoken []libp2pprotocol.ID) {
	serves := streams.SpeaksAll(spoken, m.cfg.Protocols...)
	if serves {
		m.confirm.ask(who, contact)
	}
	if _, known := m.cfg.Directory.Get(who); known || serves {
		m.dead.suspect(who)
	}
}

// ageCities looks at all cities once a second. It asks those that left though they are
// connected, and those that gossip and were overlooked. It disconnects peers to which gossip
// has ended, which are then dialed again, forgets those that are gone for long, and judges
// the own clock by those of the others.
func (m *Members) ageCities(ctx context.Context) error {
	// A second is short against deafAfter.
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for overlooked := (strays{}); ; {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		m.askThoseThatLeft()
		m.cfg.Agreements.Examine()
		m.forgetOld()
		gossiping := m.cfg.Topic.ListPeers()
		for _, p := range overlooked.due(gossiping, m.isNeighbour) {
			m.confirm.ask(p, sign)
		}
		for _, p := range m.deaf.expire(gossiping, time.Now()) {
			m.log.Debug("gossip to a city has ended, connecting anew", "peer", p)
			_ = m.cfg.Host.Network().ClosePeer(p) // whatever that says, the peer is dialed again
		}
		m.JudgeClock(ctx)
	}
}

// askThoseThatLeft asks the cities that said goodbye and are connected: they are back.
func (m *Members) askThoseThatLeft() {
	now := m.cfg.Now()
	for _, e := range m.cfg.Directory.All() {
		if e.Status == protocol.StatusLeft && !e.leaving(now) && m.detector.connected(e.Peer) {
			m.confirm.ask(e.Peer, sign)
		}
	}
}
