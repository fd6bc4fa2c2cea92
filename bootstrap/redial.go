package bootstrap

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
	ma "github.com/multiformats/go-multiaddr"
)

const (
	// wantedDefault is enough connections for a gossip mesh (at most 12 peers)
	// and a routing table, and connects a small network fully.
	wantedDefault = 32
	// foundQueueMax bounds what Found has brought and the loop has not read.
	foundQueueMax = 64
	// identifiedQueueMax bounds identify events on their way; libp2p waits where
	// it is full, and the loop reads promptly.
	identifiedQueueMax = 64
)

// RedialConfig says who is kept connected. The zero value keeps nobody, but
// dials what Found gives it.
type RedialConfig struct {
	// Bootstrap are addresses that ParsePeers accepts. The host itself may be
	// among them; it is left out.
	Bootstrap []ma.Multiaddr
	// Resolver follows the /dnsaddr names among them; nil asks the system.
	Resolver *Resolver
	// Saved is kept up to date and written; nil keeps nothing.
	Saved *Saved
	// Worth says which identified peers are remembered in Saved; nil takes all
	// that announce an address. It must not block.
	Worth func(id peer.ID, protocols []protocol.ID) bool
	// Wanted is the number of connected peers above which only bootstrap peers
	// and the sample are dialed; 0 means 32.
	Wanted int
	// Events are told what happens.
	Events RedialEvents
	// Logger takes what the owner should read; nil discards it.
	Logger *slog.Logger
}

// RedialEvents are callbacks, each may be nil. They are called one at a time by
// the goroutine of Serve and must not block.
type RedialEvents struct {
	// Connected: a peer that the Redialer knows is connected, whoever dialed.
	Connected func(id peer.ID)
	// Disconnected: such a peer has lost its last connection.
	Disconnected func(id peer.ID)
	// DialFailed: a dial failed for a reason not told since the peer was last
	// connected (for 10 s, that is, and not cut off at once).
	DialFailed func(DialFailure)
	// ResolveFailed: a /dnsaddr name led nowhere, for the first time since it led
	// somewhere.
	ResolveFailed func(addr ma.Multiaddr, err error)
}

// A DialFailure is why a peer cannot be reached.
type DialFailure struct {
	Peer      peer.ID
	Addrs     []ma.Multiaddr // those that were tried
	Bootstrap bool           // the peer was named as a bootstrap peer
	Reason    DialReason
	Err       error // says it in words, with what to do where that is known
}

// A Redialer keeps a host connected: it dials whoever of the peers it knows is
// not connected, for ever. See [HostOptions] for what the host needs.
//
// Bootstrap peers, and a sample of eight saved peers that changes each minute,
// are tried with pauses of at most 3 s; all others with pauses of at most 60 s,
// and only while fewer than Wanted peers are connected. A lost connection is
// dialed at once. So the end of an outage of any length is noticed within
// seconds, and the connections of a large network stay bounded.
type Redialer struct {
	host    host.Host
	config  RedialConfig
	wake    chan struct{} // holds one token when connections have changed
	found   chan peer.AddrInfo
	dropped atomic.Uint64 // by Found
	status  atomic.Pointer[RedialStatus]
}

// RedialStatus is what a Redialer knows at one time.
type RedialStatus struct {
	Known     int           // peers that it would dial: bootstrap, saved and found
	Connected int           // how many of those are connected
	Failures  []DialFailure // what stands against the others, in the order of peer IDs
	Dropped   uint64        // calls of Found that came while its queue was full
}

// NewRedialer checks the configuration; Serve does the work.
func NewRedialer(h host.Host, config RedialConfig) (*Redialer, error) {
	for _, addr := range config.Bootstrap {
		if err := checkPeer(addr); err != nil {
			return nil, &ItemError{Item: addr.String(), Err: err}
		}
	}
	if config.Wanted < 0 {
		return nil, fmt.Errorf("redial: wanted is %d, it must not be negative", config.Wanted)
	}
	r := &Redialer{
		host:   h,
		config: config.withDefaults(),
		wake:   make(chan struct{}, 1),
		found:  make(chan peer.AddrInfo, foundQueueMax),
	}
	r.status.Store(&RedialStatus{Known: len(newRedialLoop(r).roster.targets)})
	return r, nil
}

func (c RedialConfig) withDefaults() RedialConfig {
	c.Bootstrap = slices.Clone(c.Bootstrap)
	if c.Saved == nil {
		c.Saved, _ = OpenSaved("") // cannot fail: it has no file
	}
	if c.Worth == nil {
		c.Worth = func(peer.ID, []protocol.ID) bool { return true }
	}
	if c.Wanted == 0 {
		c.Wanted = wantedDefault
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Found tells of a peer that may be dialed, found by mDNS say. It never blocks;
// what comes while a queue of 64 is full is dropped and counted.
func (r *Redialer) Found(info peer.AddrInfo) {
	select {
	case r.found <- info:
	default:
		r.dropped.Add(1)
	}
}

// Status gives the state after the last event. It is safe for concurrent use.
func (r *Redialer) Status() RedialStatus {
	s := *r.status.Load()
	s.Failures = slices.Clone(s.Failures)
	s.Dropped = r.dropped.Load()
	return s
}

// Serve keeps the host connected until ctx is done, and has ended all that it
// started when it returns. Serve is called again only after it has returned.
func (r *Redialer) Serve(ctx context.Context) error {
	identified, err := r.host.EventBus().Subscribe(new(event.EvtPeerIdentificationCompleted), eventbus.BufSize(identifiedQueueMax))
	if err != nil {
		return fmt.Errorf("redial: %w", err)
	}
	defer identified.Close()
	notifiee := &network.NotifyBundle{
		ConnectedF:    func(network.Network, network.Conn) { r.wakeUp() },
		DisconnectedF: func(network.Network, network.Conn) { r.wakeUp() },
	}
	r.host.Network().Notify(notifiee)
	defer r.host.Network().StopNotify(notifiee)
	newRedialLoop(r).run(ctx, identified.Out())
	return nil
}

func (r *Redialer) wakeUp() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}
