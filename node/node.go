package node

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	"golang.org/x/time/rate"

	"github.com/citynode/citynode/bootstrap"
	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/antientropy"
	"github.com/citynode/citynode/internal/connlimit"
	"github.com/citynode/citynode/internal/datadir"
	"github.com/citynode/citynode/internal/durable"
	"github.com/citynode/citynode/internal/gossip"
	"github.com/citynode/citynode/internal/health"
	"github.com/citynode/citynode/internal/loglimit"
	"github.com/citynode/citynode/internal/membership"
	"github.com/citynode/citynode/internal/memory"
	"github.com/citynode/citynode/internal/names"
	"github.com/citynode/citynode/internal/store"
	"github.com/citynode/citynode/internal/streams"
	"github.com/citynode/citynode/internal/supervise"
	"github.com/citynode/citynode/internal/twins"
	"github.com/citynode/citynode/protocol"
)

// Node is one city on a network. Its methods are safe for concurrent use: New sets the
// fields and nobody changes them after that, so they need no lock. What changes is within
// the rooms, which guard it themselves.
type Node struct {
	cfg      Config
	log      *slog.Logger
	logLimit *loglimit.Handler // between log and the program's own

	instance protocol.Instance
	ownKey   bool           // the key was made for this node, which keeps it to itself
	before   []ma.Multiaddr // where the city listened at its last start

	// What is durable, and the city over it.
	folder  *datadir.Folder // nil: there is none
	store   *store.Store    // nil: nothing is durable
	facts   *durable.Facts
	journal *durable.Writer // nil: nothing is durable
	city    *city.City

	// The network, and what keeps the node on it.
	host     host.Host
	known    *connlimit.Known // nil on a host of the program's
	saved    *bootstrap.Saved
	redialer *bootstrap.Redialer
	mdns     *bootstrap.MDNS // nil if switched off
	dht      *bootstrap.Names

	// The rooms, in the order in which they are made.
	self       *self
	directory  *membership.Directory
	agreements *membership.Agreements
	hearsay    *membership.Hearsay
	neighbours *membership.Neighbours
	clients    *streams.Clients
	twins      *twins.Watch
	entropy    *antientropy.AntiEntropy
	router     *gossip.Router
	deltas     *gossip.Deltas
	members    *membership.Members
	health     *health.Watch
	names      *names.Names
	calls      *calls
	draining   draining
	ending     ending
	supervisor *supervise.Supervisor

	life   *life
	floods rate.Sometimes // how often it is logged that peers gossip far too much
}

// New makes a node that listens but does not run yet. It fails with the name of
// the field that cannot be used, with what is wrong with DataDir, or with an error
// that matches ErrListen or ErrInUse. A node that is not run must be closed.
func New(cfg Config) (*Node, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("node: %w", err)
	}
	cfg = cfg.withDefaults()
	limit := loglimit.New(cfg.Logger.Handler())
	cfg.Logger = slog.New(limit)
	n := &Node{log: cfg.logger(logNode), logLimit: limit, life: newLife(), floods: rate.Sometimes{Interval: time.Minute}}
	if err := n.open(cfg); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

// open makes all of the node. What it has made when it fails Close gives back. The
// folder comes first, whose lock keeps other nodes off, and the host after the city,
// since other peers reach it from then on.
func (n *Node) open(cfg Config) (err error) {
	usual := len(cfg.Listen) == 0 && cfg.Host == nil // complete is going to set Listen
	if n.folder, err = openFolder(cfg); err != nil {
		return err
	}
	// A key that is made now is nobody else's.
	n.ownKey = cfg.DataDir == "" && cfg.Identity == nil && cfg.Host == nil
	if n.cfg, err = cfg.complete(n.folder); err != nil {
		return err
	}
	if err := n.openStore(); err != nil {
		return err
	}
	if n.city, err = city.New(n.cfg.City, n.cityOptions()); err != nil {
		return err
	}
	n.instance = twins.Draw(n.now())
	if n.host, n.known, err = newHost(n.cfg); err != nil {
		return err
	}
	n.before = listenedBefore(n.cfg.DataDir)
	if usual {
		n.keepPorts()
	}
	return n.furnish()
}

// complete sets what depends on other fields and on the city's folder, if there is
// one.
func (c Config) complete(folder *datadir.Folder) (Config, error) {
	if folder != nil {
		c.Identity = folder.Identity
	}
	if c.Host != nil {
		c.Identity = c.Host.Peerstore().PrivKey(c.Host.ID())
	}
	if c.Identity == nil {
		key, _, err := crypto.GenerateEd25519Key(rand.Reader)
		if err != nil {
			return c, fmt.Errorf("make an identity: %w", err)
		}
		c.Identity = key
	}
	id, err := peer.IDFromPrivateKey(c.Identity)
	if err != nil {
		return c, fmt.Errorf("identity: %w", err)
	}
	c.City.EntriesMax = entriesMax(cmp.Or(c.EntriesMax, c.City.EntriesMax), memory.Bytes(), c.Logger)
	c.City.Replica = crdt.ReplicaOf([]byte(id))
	c.City.Admins = append(slices.Clone(c.City.Admins), string(id)) // the own program's calls
	for _, admin := range c.Admins {
		c.City.Admins = append(c.City.Admins, string(admin))
	}
	if len(c.Listen) == 0 {
		c.Listen = usualListen(c.DataDir, c.Open)
	}
	return c, nil
}

// cityOptions binds the city to its clock and its journal.
func (n *Node) cityOptions() city.Options {
	o := city.Options{
		Now:             n.cfg.Now,
		NextIncarnation: func() (crdt.Stamp, error) { return n.facts.NextIncarnation(n.now()) },
	}
	if n.journal != nil {
		o.Journal, o.Fill = n.journal.Begin, n.journal.Fill
	}
	return o
}

// Peer returns the node's peer ID.
func (n *Node) Peer() peer.ID { return n.host.ID() }

// City returns the node's city. Once the node has ended, the city refuses all as
// unavailable, as it does between two incarnations: look at Done before trying again.
func (n *Node) City() *city.City { return n.city }

// Addrs returns the addresses under which others reach the node, each with
// /p2p/ID. An address on all interfaces stands there once for each interface.
func (n *Node) Addrs() []ma.Multiaddr {
	addrs, err := peer.AddrInfoToP2pAddrs(&peer.AddrInfo{ID: n.host.ID(), Addrs: n.host.Addrs()})
	if err != nil {
		return nil // only for a peer ID that is none
	}
	return addrs
}

// now returns the wall clock as a stamp.
func (n *Node) now() crdt.Stamp { return crdt.StampAt(n.cfg.Now()) }
