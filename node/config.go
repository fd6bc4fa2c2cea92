package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/libp2p/go-libp2p"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/internal/membership"
	"github.com/citynode/citynode/internal/store"
	"github.com/citynode/citynode/protocol"
)

// Config is what a node is told. A zero field means its default.
type Config struct {
	// City holds the city's name and rules. City.Name is required;
	// City.Replica is set from the identity.
	City city.Config
	// Network is the network's name, a DNS label. Default "main".
	Network string
	// Open lets the node off its machine: it then listens on all interfaces unless
	// Listen says otherwise. Default: unless Listen has another address, it listens on
	// loopback, and dials and accepts nobody beyond, whoever names an address.
	Open bool
	// Identity is the key that makes the peer ID. Default: the one in DataDir, made
	// there on first use, or without a DataDir a fresh Ed25519 key, so a peer that
	// nobody knows.
	Identity crypto.PrivKey
	// Listen are the addresses to listen on, of any default transport.
	// Default: TCP and QUIC, on all interfaces if Open, else on loopback, on the
	// ports of the last start with this DataDir if they are free, else on any.
	Listen []ma.Multiaddr
	// Announce, if not empty, replaces the addresses that others are told.
	Announce []ma.Multiaddr
	// Bootstrap are peers to keep connected to, each with /p2p/ID, or
	// /dnsaddr.
	Bootstrap []ma.Multiaddr
	// MDNS looks for cities on the local network. It sends multicast.
	MDNS bool
	// Admins may bomb the city, and may hold many connections at once.
	Admins []peer.ID
	// Trusted says that only those are on the network whom its owner admitted, by a
	// network key or a list of peers. A city then does not start while a live one has
	// had its name for longer, though it has had the name before. Default: strangers, who
	// can claim anything; only a city that never had its name is kept from starting by
	// what they say. In either case nobody who runs is made to stop by a claim.
	Trusted bool
	// DataDir is the city's folder, made with mode 0700 where there is none: its
	// identity key, its store, its lock, the addresses on which it listened and its
	// last-known peers. What the city answers, gossips and tells watchers of is in
	// the store before, and is there again at the next start. New opens the folder
	// and Close gives it back; a second node on the folder is refused with an error
	// that matches ErrInUse, and one of another city, network or key with what is
	// there. Default: none; the city is ephemeral, and its state is lost with the
	// process where no other city holds it.
	DataDir string
	// Ephemeral has a city with a DataDir store no heroes there. It keeps its key,
	// since when it has its name, and its last-known peers.
	Ephemeral bool
	// EntriesMax is how many entries the city holds, heroes and tombstones together.
	// Beyond it only what concerns heroes that the city knows is taken; it then says that
	// it is full. Half of it is kept for Admins and for cities that are known for some
	// time. A network works best where all have the same. Default
	// city.DefaultEntriesMax, or less, with a warning, where half of the memory would not
	// do for as many.
	EntriesMax int
	// Software names the program to other cities; at most 64 bytes. Default
	// "citynode".
	Software string
	// PresenceEvery is the time between two presences in a small network.
	// Default 10 s.
	PresenceEvery time.Duration
	// SyncEvery is the shortest time between two rounds of anti-entropy with a
	// random city. Default 1 s.
	SyncEvery time.Duration
	// NoGossip switches deltas off, so that anti-entropy alone spreads the
	// state; for tests of exactly that.
	NoGossip bool
	// Now is the wall clock. Default time.Now.
	Now func() time.Time
	// Logger receives the node's log; see LogComponents. Default: discarded.
	Logger *slog.Logger
	// LogLevels, if set, are what admins read and change by the method log. Default: the
	// method is unsupported.
	LogLevels LogLevels
	// Events are called as things happen.
	Events Events

	// NewHost, if set, makes the libp2p host in place of libp2p.New, from the
	// options that the node needs; for hosts on simulated networks. The node
	// closes the host.
	NewHost func(...libp2p.Option) (host.Host, error)
	// Host, if set, is a libp2p host of the program, on which the node lives beside
	// the program's own protocols. The node does not close it, and takes its
	// protocols off it when it ends. The host must have its private key in its
	// peerstore; Identity, if set, must be that key. Listen, Announce, Open and
	// NewHost do not go with it. Its limits are the program's: leave room for 256
	// streams a peer. A host takes one node, and with a GossipSub on it only a node that
	// is given that as PubSub.
	Host host.Host
	// PubSub, if set, is the GossipSub of Host, which a program makes that uses
	// GossipSub itself. The node joins its topics of the network on it and leaves
	// them when it ends. New refuses one of another host or without signatures. What
	// it cannot see the program has to see to: a WithMaxMessageSize of at least
	// 72 KiB, a subscription filter that lets the topics of protocol.DeltaTopic,
	// protocol.PresenceTopic and protocol.AliveTopic pass, and a WithPeerOutboundQueueSize and a
	// WithValidateQueueSize of some hundreds. What it drops nobody tells the node:
	// it is brought by the rounds of anti-entropy with random cities, later than
	// what the node's own GossipSub drops.
	PubSub *pubsub.PubSub

	// store, for tests, is opened and closed by them, in place of DataDir's.
	store *store.Store
	// refuses probes an address that may be that of a city that was killed; nil on
	// simulated networks, whose addresses are not those of this machine's.
	refuses func(context.Context, ma.Multiaddr) bool
	// unwatched is for tests that measure what detection costs; see
	// membership.Config.Unwatched.
	unwatched bool
}

// Defaults of a Config.
const (
	DefaultSoftware      = "citynode"
	DefaultPresenceEvery = 10 * time.Second
	DefaultSyncEvery     = time.Second
)

// withDefaults returns the configuration with every field set that has a default of its
// own; complete sets those that depend on others. It changes a copy: the program's Config
// may serve for its next node.
func (c Config) withDefaults() Config {
	told := cmp.Or(c.EntriesMax, c.City.EntriesMax) // 0: the default depends on the memory
	c.City = c.City.WithDefaults()
	c.City.EntriesMax = told
	if c.Network == "" {
		c.Network = protocol.DefaultNetwork
	}
	if c.Software == "" {
		c.Software = DefaultSoftware
	}
	if c.PresenceEvery == 0 {
		c.PresenceEvery = DefaultPresenceEvery
	}
	if c.SyncEvery == 0 {
		c.SyncEvery = DefaultSyncEvery
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.NewHost == nil {
		c.refuses = membership.Refuses
		c.NewHost = func(opts ...libp2p.Option) (host.Host, error) { return libp2p.New(opts...) }
	}
	return c
}

// Validate names the first field that cannot be used, and why. It opens nothing: what is
// wrong with DataDir or an address New says.
func (c Config) Validate() error {
	if err := c.validateHost(); err != nil {
		return err
	}
	c = c.withDefaults()
	if err := c.City.Validate(); err != nil {
		return err
	}
	if err := protocol.ValidateNetwork(c.Network); err != nil {
		return err
	}
	if len(c.Software) > protocol.SoftwareBytesMax {
		return fmt.Errorf("the Software is %d bytes, must be at most %d", len(c.Software), protocol.SoftwareBytesMax)
	}
	if c.PresenceEvery < 0 || c.SyncEvery < 0 {
		return errors.New("intervals must not be negative: PresenceEvery, SyncEvery")
	}
	return nil
}

// validateHost refuses fields that do not go together. To ignore one instead would leave
// a program on a network, or under a key, that it did not mean.
func (c Config) validateHost() error {
	switch {
	case c.Host == nil && c.PubSub != nil:
		return errors.New("PubSub needs Host, the host that it is on")
	case c.Host == nil:
		return nil
	case c.NewHost != nil || len(c.Listen) > 0 || len(c.Announce) > 0 || c.Open:
		return errors.New("NewHost, Listen, Announce and Open do not go with Host, which is made already")
	}
	key := c.Host.Peerstore().PrivKey(c.Host.ID())
	if key == nil {
		return errors.New("the Host has no private key in its peerstore")
	}
	if c.Identity != nil && !c.Identity.Equals(key) {
		return fmt.Errorf("the Identity is not that of the Host, which is peer %s", c.Host.ID())
	}
	return nil
}
