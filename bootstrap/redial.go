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
	// foundQueueMax bounds the peers that Found was given and the loop has not read.
	foundQueueMax = 64
	// identifiedQueueMax bounds the identify events that wait for the loop. libp2p
	// waits while the queue is full, and the loop reads promptly.
	identifiedQueueMax = 64
)

// RedialConfig says which peers are kept connected. With the zero value a Redialer
// dials only the peers that Found is given.
type RedialConfig struct {
	// Bootstrap are addresses that ParsePeers accepts. The host itself is left out if
	// it is among them.
	Bootstrap []ma.Multiaddr
	// Resolver resolves the /dnsaddr names in Bootstrap. Nil asks the system.
	Resolver *Resolver
	// Saved is kept up to date and written. Nil saves nothing.
	Saved *Saved
	// Worth reports whether an identified peer is remembered in Saved. Nil remembers
	// all that announce an address. It must not block.
	Worth func(id peer.ID, protocols []protocol.ID) bool
	// Foreign returns why an identified bootstrap peer is of no use, such as that it is of
	// another network, or nil. What it returns is told as a DialFailure with the reason
	// WrongNetwork, once a connection. Nil finds every peer of use. It must not block.
	Foreign func(protocols []protocol.ID) error
	// Wanted is the number of connected peers above which only bootstrap peers
	// and the sample are dialed, and the other saved peers once an hour. 0 means 32.
	Wanted int
	// Events are told what happens.
	Events RedialEvents
	// Logger takes what the owner should read. Nil discards it.
	Logger *slog.Logger
}

// RedialEvents are callbacks. Each may be nil. The goroutine of Serve calls them
// one at a time, and they must not block.
type RedialEvents struct {
	// Connected is called when a peer that the Redialer knows has been connected,
	// whoever dialed.
	Connected func(id peer.ID)
	// Disconnected is called when such a peer has lost its last connection.
	Disconnected func(id peer.ID)
	// DialFailed is called when a dial has failed for a reason that has not been
	// told since the peer was last connected for at least 10 s.
	DialFailed func(DialFailure)
	// ResolveFailed is called when a /dnsaddr name does not resolve, for the first
	// time since it last did.
	ResolveFailed func(addr ma.Multiaddr, err error)
}

// A DialFailure says why a peer cannot be reached.
type DialFailure struct {
	Peer      peer.ID
	Addrs     []ma.Multiaddr // the addresses that were tried
	Bootstrap bool           // the peer was named as a bootstrap peer
	Reason    DialReason
	Err       error // the reason in words, and what to do if that is known
}

// A Redialer keeps a host connected: it dials the peers that it knows and that are
// not connected, for ever. The host needs the [HostOptions].
//
// Bootstrap peers, and a sample of eight saved peers that changes each minute, are
// dialed with pauses of at most 3 s. All other peers are dialed with pauses of at
// most 60 s while fewer than Wanted peers are connected; beyond that a saved peer is
// still dialed once an hour, whatever its age. A peer that
// loses its last connection is dialed at once. So a host is connected again within
// seconds after an outage of any length, and the connections of a large network
// stay bounded.
type Redialer struct {
	host    host.Host
	config  RedialConfig
	wake    chan struct{} // holds one token when connections have changed
	found   chan peer.AddrInfo
	hasten  chan struct{} // holds one token when all are to be dialed soon
	dropped atomic.Uint64 // calls of Found that came while found was full
	status  atomic.Pointer[RedialStatus]
}

// RedialStatus is what a Redialer knows at one time.
type RedialStatus struct {
	Known     int           // the peers that it would dial: bootstrap, saved and found
	Connected int           // how many of the known are connected
	Failures  []DialFailure // why the others are not, in the order of peer IDs
	Dropped   uint64        // calls of Found that came while its queue was full
}

// NewRedialer returns a Redialer, or an error if the configuration is wrong. Serve
// does the work.
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
		hasten: make(chan struct{}, 1),
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
	if c.Foreign == nil {
		c.Foreign = func([]protocol.ID) error { return nil }
	}
	if c.Wanted == 0 {
		c.Wanted = wantedDefault
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Found adds a peer that may be dialed, for example one that mDNS has found. It
// never blocks. While a queue of 64 is full, peers are dropped and counted.
func (r *Redialer) Found(info peer.AddrInfo) {
	select {
	case r.found <- info:
	default:
		r.dropped.Add(1)
	}
}

// Hasten has all peers that are not connected dialed soon, for the network may have healed:
// a way to a peer that was cut off is open again. It never blocks. Called often it has the
// effect of one call in two seconds.
func (r *Redialer) Hasten() {
	select {
	case r.hasten <- struct{}{}:
	default:
	}
}

// Status returns the state after the last event. It is safe for concurrent use.
func (r *Redialer) Status() RedialStatus {
	s := *r.status.Load()
	s.Failures = slices.Clone(s.Failures)
	s.Dropped = r.dropped.Load()
	return s
}

// Serve keeps the host connected until ctx is done. When it returns, all that it
// started has ended. Serve may be called again after it has returned.
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
