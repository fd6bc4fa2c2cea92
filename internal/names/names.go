package names

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/bootstrap"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/membership"
	"github.com/citynode/citynode/internal/streams"
	"github.com/citynode/citynode/protocol"
)

// Tenure is what the city keeps, over restarts, of having its name.
type Tenure interface {
	// Since returns when the city took its name; 0 if it never did.
	Since() crdt.Stamp
	// Claim keeps now as the time when the city took its name, unless it has one.
	Claim(now crdt.Stamp) error
}

// Members are the other cities.
type Members interface {
	// Identify asks a peer who it is. The error matches bootstrap.ErrOtherCity if
	// the peer answers and is no city of this network.
	Identify(ctx context.Context, p peer.ID) (protocol.InfoReply, error)
	// AddrInfo returns where a peer, which was just talked to, can be dialed.
	AddrInfo(p peer.ID) peer.AddrInfo
	// Overhear calls heard with the presences of others until ctx is done.
	Overhear(ctx context.Context, heard func(author peer.ID, news protocol.Presence)) error
}

// Finder finds the candidates for a name in the DHT.
type Finder interface {
	Lookup(ctx context.Context, city string, verify bootstrap.Verifier) (peer.AddrInfo, error)
}

// Apart is a peer that is known only through others, and cannot be reached from here.
type Apart struct {
	Peer peer.ID
	Why  error
}

// Config is what Names need. All fields but Trusted are required.
type Config struct {
	Host host.Host
	// Network is the network's name, City that of the own city.
	Network, City string
	Directory     *membership.Directory
	Members       Members
	Clients       *streams.Clients
	DHT           Finder
	Tenure        Tenure
	// Apart returns the peers that are known by a name only through others.
	Apart func(name string) []Apart
	// Neighbours returns up to most connected cities. Await returns once there may
	// be some to ask, or when there is nobody to wait for.
	Neighbours func(most int) []peer.ID
	Await      func(context.Context)
	// PresenceEvery is the time between two presences in a small network.
	PresenceEvery time.Duration
	// Trusted says that no strangers are on the network, so that an older claim is
	// believed at a start.
	Trusted bool
	// Now is the wall clock as a stamp.
	Now    func() crdt.Stamp
	Logger *slog.Logger
	// Contested is called when another peer turns out to claim the own city's name.
	Contested func(name string, other peer.ID)
}

// Names look up cities by name, and hold the name of the own one.
type Names struct {
	cfg      Config
	log      *slog.Logger
	contests atomic.Uint64
}

// New returns names that hold nothing until Claim.
func New(cfg Config) *Names {
	return &Names{cfg: cfg, log: cfg.Logger}
}
