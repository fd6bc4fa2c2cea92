package bootstrap

import (
	"context"
	"log/slog"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	ma "github.com/multiformats/go-multiaddr"
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
	// DialFailed: a dial failed, for the first time since the peer was last
	// connected, or for another reason than the one told before.
	DialFailed func(DialFailure)
	// ResolveFailed: a /dnsaddr name led nowhere; told as DialFailed is.
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

// A DialReason classifies a failed dial; it is a stable word for logs.
type DialReason string

// The reasons, the most telling first: where the addresses of a peer fail in
// different ways, the first of these is the reason.
const (
	WrongPeer   DialReason = "wrong_peer"   // another peer answers at the address
	WrongKey    DialReason = "wrong_key"    // the networks' keys differ, or only one has a key
	NotAllowed  DialReason = "not_allowed"  // our own rules refuse the peer
	Rejected    DialReason = "rejected"     // it answered and ended the connection
	Refused     DialReason = "refused"      // nothing listens there
	Unreachable DialReason = "unreachable"  // no route
	NameUnknown DialReason = "name_unknown" // the name in the address does not resolve
	NoTransport DialReason = "no_transport" // this host does not speak the address's protocol
	TimedOut    DialReason = "timed_out"    // no answer
	Failed      DialReason = "failed"       // anything else
)

// A Redialer keeps a host connected.
type Redialer struct{}

// NewRedialer checks the configuration; Serve does the work.
func NewRedialer(h host.Host, config RedialConfig) (*Redialer, error) {
	return &Redialer{}, nil
}

// Serve keeps the host connected until ctx is done, and has ended all that it
// started when it returns nil. It is called once.
func (r *Redialer) Serve(ctx context.Context) error { <-ctx.Done(); return nil }

// Found tells of a peer that may be dialed, found by mDNS say. It never blocks.
func (r *Redialer) Found(info peer.AddrInfo) {}

// RedialStatus is what the Redialer knows at one time.
type RedialStatus struct {
	Known     int           // peers that it would dial: bootstrap, saved and found
	Connected int           // of those
	Failures  []DialFailure // what stands against the others, by peer ID
}

// Status gives the state after the last event. It is safe for concurrent use.
func (r *Redialer) Status() RedialStatus { return RedialStatus{} }
