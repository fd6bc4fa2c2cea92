package dispatch

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/citynode/citynode/protocol"
)

// Defaults of a [Config].
const (
	// DefaultSoftware is how a dispatcher names its program to peers.
	DefaultSoftware = "citynode"
	// DefaultDialTimeout bounds one attempt to connect. A node on the other side
	// of the world with a lost packet or two takes less.
	DefaultDialTimeout = 5 * time.Second
	// DefaultPatience is how long a Follow goes on while no city answers: longer
	// than a city takes to restart and to read a large store.
	DefaultPatience = 30 * time.Second
	// DefaultRememberedMax bounds the entries that a Follow remembers. An entry
	// takes about 130 bytes, so these take half a gigabyte.
	DefaultRememberedMax = 4 << 20
)

// Config says which node is asked, and how. The zero value of each field is its
// default.
type Config struct {
	// Network is the network whose cities are called, a DNS label. Default: that
	// of the node that answers, which must then be of one network only.
	Network string
	// Identity is the key of the dispatcher's peer ID, by which cities know who
	// may bomb them and to whom an answer was given. Default: a fresh key.
	Identity crypto.PrivKey
	// Nodes are the nodes that may be asked, in this order: addresses that end in
	// /p2p/PEERID, or /dnsaddr/NAME.
	Nodes []ma.Multiaddr
	// Candidates returns more nodes that may be asked. It is called where Nodes is
	// empty. Default: none.
	Candidates func(context.Context) ([]Candidate, error)
	// MDNS searches the local network for nodes where Nodes and Candidates name
	// none of the network. The search sends multicast and announces nothing.
	MDNS bool
	// Software names the program to peers. Default DefaultSoftware.
	Software string
	// DialTimeout bounds one attempt to connect to one peer. Default
	// DefaultDialTimeout.
	DialTimeout time.Duration
	// Patience is how long a Follow goes on while no city answers. That the last one
	// has fallen silent is known after 5 s at most, and one more attempt may take
	// DialTimeout a city. Default DefaultPatience.
	Patience time.Duration
	// RememberedMax bounds the entries that one Follow remembers. Default
	// DefaultRememberedMax.
	RememberedMax int
	// Logger receives what heals itself, such as an interrupted Follow. Default:
	// discarded.
	Logger *slog.Logger

	// NewHost, if set, makes the libp2p host in place of libp2p.New, for hosts on
	// simulated networks. The dispatcher closes the host.
	NewHost func(...libp2p.Option) (host.Host, error)
}

// A Candidate is a node that may be asked.
type Candidate struct {
	// Title names the node in errors: "gotham on this machine".
	Title string
	// Network is the network of the node, "" if it is not known yet.
	Network string
	// Peer is who the node is and where it listens.
	Peer peer.AddrInfo
}

// Validate returns an error that names the first field that cannot be used.
func (c Config) Validate() error {
	if c.Network != "" {
		if err := protocol.ValidateNetwork(c.Network); err != nil {
			return fmt.Errorf("dispatch config: Network: %w", err)
		}
	}
	switch {
	case c.DialTimeout < 0:
		return fmt.Errorf("dispatch config: DialTimeout is %v, must not be negative", c.DialTimeout)
	case c.Patience < 0:
		return fmt.Errorf("dispatch config: Patience is %v, must not be negative", c.Patience)
	case c.RememberedMax < 0:
		return fmt.Errorf("dispatch config: RememberedMax is %d, must not be negative", c.RememberedMax)
	}
	return nil
}

// withDefaults returns the configuration with every field set.
func (c Config) withDefaults() Config {
	c.Software = cmp.Or(c.Software, DefaultSoftware)
	c.DialTimeout = cmp.Or(c.DialTimeout, DefaultDialTimeout)
	c.Patience = cmp.Or(c.Patience, DefaultPatience)
	c.RememberedMax = cmp.Or(c.RememberedMax, DefaultRememberedMax)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.NewHost == nil {
		c.NewHost = func(options ...libp2p.Option) (host.Host, error) { return libp2p.New(options...) }
	}
	return c
}
