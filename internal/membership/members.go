package membership

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/loglimit"
	"github.com/citynode/citynode/internal/streams"
	"github.com/citynode/citynode/internal/supervise"
	"github.com/citynode/citynode/internal/wake"
	"github.com/citynode/citynode/protocol"
)

// peerEventsMax buffers the host's news of connections. The host waits for a full
// subscriber, so there is room for the burst of a partition that heals.
const peerEventsMax = 256

// Topic is the topic of presences, which the node has joined.
type Topic interface {
	Publish(ctx context.Context, data []byte, opts ...pubsub.PubOpt) error
	Subscribe() (*pubsub.Subscription, error)
	ListPeers() []peer.ID
}

// Self is what Members need to know of the own city.
type Self interface {
	// Presence returns what the city says of itself now. It fails only with ctx.
	Presence(ctx context.Context) (protocol.Presence, error)
	// DoubtClock tells the city why its clock is not to be trusted; "" where it is.
	DoubtClock(ctx context.Context, reason string)
}

// Config is what Members need. All fields but Refuses and Unwatched are required.
type Config struct {
	Host       host.Host
	Directory  *Directory
	Neighbours *Neighbours
	// Agreements judge which cities hold what this one holds.
	Agreements *Agreements
	// Hearsay has the cities that are known only through others.
	Hearsay *Hearsay
	// Clients make calls on the network's call protocol.
	Clients *streams.Clients
	// Protocols are those that a peer speaks once it serves as a city.
	Protocols []libp2pprotocol.ID
	// Alive is the protocol of questions whether a peer lives.
	Alive libp2pprotocol.ID
	Topic Topic
	// Signs is the topic of signs of life and of hints.
	Signs   Topic
	Network string
	// Refuses reports whether a kernel says that nobody listens at an address; see
	// [Refuses]. Nil where addresses are not real.
	Refuses func(ctx context.Context, addr ma.Multiaddr) bool
	// Unwatched, if true, has no city asked whether it lives, so that none is ever found to
	// be silent. It is for measuring what detection costs besides all else.
	Unwatched bool
	Self      Self
	// FindAddrs gives the host addresses to dial a peer at, if it has none.
	FindAddrs func(context.Context, peer.ID)
	// Every is the time between two presences in a small network.
	Every time.Duration
	// ClockSkewMax is how far the own clock may be ahead of all others before the
	// city is told to doubt it.
	ClockSkewMax time.Duration
	// Now is the wall clock.
	Now    func() time.Time
	Logger *slog.Logger
	Hooks  Hooks
}

// Hooks are called as things happen, by the goroutines of Members, several at the
// same time. They must return at once. All are required.
type Hooks struct {
	// Changed tells that another city was found, or changed its status or its
	// incarnation.
	Changed func(Event)
	// Identified tells what a city of this network has just said of itself, and
	// what changed by that, or nil.
	Identified func(peer.ID, protocol.InfoReply, *Event)
	// Shown tells the summary that a word of a known city shows.
	Shown func(peer.ID, crdt.Summary)
	// Departed tells of a peer, a city or not, that has no connection any more.
	Departed func(peer.ID)
	// Returned tells that a city that had failed is back, so that the way to others may
	// be open again too.
	Returned func()
}

// Members tell the other cities of this one, and keep the directory of them.
type Members struct {
	cfg      Config
	log      *slog.Logger
	due      wake.Signal // is set when a presence is due at once
	confirm  *confirmer
	dead     *deadConns
	deaf     *deafDetector
	detector *detector
	last     crdt.Stamp // sent last; owned by send's goroutine
	quiet    atomic.Bool
}

// New returns members that say and hear nothing until Serve runs.
func New(cfg Config) *Members {
	m := &Members{
		cfg:  cfg,
		log:  cfg.Logger,
		due:  wake.NewSignal(),
		dead: newDeadConns(cfg.Host, cfg.Logger),
		deaf: newDeafDetector(cfg.Host),
	}
	m.confirm = newConfirmer(cfg.Host, m)
	m.detector = newDetector(cfg)
	m.detector.became = func(p peer.ID, to protocol.CityStatus) { m.tell(cfg.Directory.Judge(p, to)) }
	m.detector.confirm = func(p peer.ID) { m.confirm.ask(p, proof) }
	return m
}

// Serve tells of this city and listens to the others until ctx is done. It says
// goodbye then, and returns nil.
func (m *Members) Serve(ctx context.Context) error {
	sub, err := m.cfg.Topic.Subscribe()
	if err != nil {
		return fmt.Errorf("subscribe to presence: %w", err)
	}
	defer sub.Cancel()
	signs, err := m.cfg.Signs.Subscribe()
	if err != nil {
		return fmt.Errorf("subscribe to signs of life: %w", err)
	}
	defer signs.Cancel()
	peers, err := m.cfg.Host.EventBus().Subscribe([]any{
		new(event.EvtPeerIdentificationCompleted),
		new(event.EvtPeerConnectednessChanged),
	}, eventbus.BufSize(peerEventsMax))
	if err != nil {
		return fmt.Errorf("watch connections: %w", err)
	}
	defer peers.Close() //nolint:errcheck // ending anyway
	// After the subscription: a peer that connects in between is asked twice rather
	// than never.
	m.askConnected()
	group, ctx := supervise.NewGroup(ctx)
	group.Go(func() error { return m.send(ctx) })
	group.Go(func() error { return m.receive(ctx, sub) })
	group.Go(func() error {
		// As soon as nobody reads: the bus waits for its subscribers with a lock held.
		defer peers.Close() //nolint:errcheck // ending anyway
		return m.followPeers(ctx, peers.Out())
	})
	group.Go(func() error { return m.ageCities(ctx) })
	group.Go(func() error { return m.detector.serve(ctx, signs) })
	for i := range m.confirm.lanes {
		of := &m.confirm.lanes[i]
		for n := range of.workers {
			group.Go(func() error { return m.confirm.work(ctx, of, n < of.promptOnly) })
		}
	}
	for range deadWorkers {
		group.Go(func() error { return m.dead.work(ctx) })
	}
	return group.Wait()
}

// tell passes news of a city on, if there is any.
func (m *Members) tell(e *Event) {
	if e == nil {
		return
	}
	if e.Status == protocol.StatusLeft {
		m.detector.left(e.Peer)
	}
	m.log.Info("city "+string(e.Status), "city", e.Name, loglimit.By("peer", e.Peer.String()), "before", e.Before, "restarted", e.Restarted)
	m.cfg.Hooks.Changed(*e)
}

// JudgeClock tells the city whether to trust its clock: not if at least two others, and
// all of them, have clocks that are far behind it. It tells each time, also that all is
// well: so a new incarnation is told, and a clock that was set right is trusted again.
func (m *Members) JudgeClock(ctx context.Context) {
	reason := ""
	if skew, known := m.cfg.Directory.Ahead(m.cfg.Now()); known && skew > m.cfg.ClockSkewMax {
		reason = fmt.Sprintf("it is at least %v ahead of the clocks of all other cities; set the clock of this machine",
			skew.Round(time.Second))
	}
	m.cfg.Self.DoubtClock(ctx, reason)
}

// addrsToldMax bounds where a peer is said to be. It says itself where it listens, and may
// say hundreds of addresses, which whoever is told of them dials.
const addrsToldMax = 16

// AddrInfo returns where a peer, which this node has just talked to, can be dialed: where it
// was, and where it says that it listens, 16 addresses at most.
func (m *Members) AddrInfo(p peer.ID) peer.AddrInfo {
	info := peer.AddrInfo{ID: p}
	add := func(addr ma.Multiaddr) {
		if len(info.Addrs) < addrsToldMax && !slices.ContainsFunc(info.Addrs, addr.Equal) {
			info.Addrs = append(info.Addrs, addr)
		}
	}
	conns := m.cfg.Host.Network().ConnsToPeer(p)
	for _, conn := range conns {
		if conn.Stat().Direction == network.DirOutbound {
			add(conn.RemoteMultiaddr())
		}
	}
	for _, addr := range m.cfg.Host.Peerstore().Addrs(p) {
		add(addr)
	}
	if len(info.Addrs) == 0 && len(conns) > 0 {
		add(conns[0].RemoteMultiaddr())
	}
	return info
}
