package node

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/citynode/citynode/bootstrap"
	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/supervise"
	"github.com/citynode/citynode/protocol"
)

// peersFile is the name, in the state folder, of the last-known peers.
const peersFile = "peers"

// The supervised children, in the order in which they start.
const (
	childRedial      = "redial"
	childMDNS        = "mdns"
	childName        = "name"
	childStreams     = "streams"
	childStore       = "store"
	childCity        = "city"
	childGossip      = "gossip"
	childPresence    = "presence"
	childAntiEntropy = "anti-entropy"
	childNames       = "names"
)

// ErrGaveUp is matched by Run's error when parts of the node crashed more often
// than the supervisor allows.
var ErrGaveUp = errors.New("the supervisor gave up")

// Node is one city on a network. Its methods are safe for concurrent use.
type Node struct {
	cfg        Config
	log        *slog.Logger
	host       host.Host
	syncID     libp2pprotocol.ID
	kept       *kept
	journal    *journal // nil: nothing is durable
	city       *city.City
	directory  *directory
	clients    *clients
	admission  *admission
	callServer *protocol.Server
	redialer   *bootstrap.Redialer
	saved      *bootstrap.Saved
	mdns       *bootstrap.MDNS // nil if switched off
	names      *bootstrap.Names
	gossip     *gossip
	presence   *presence
	entropy    *antiEntropy
	settles    settles
	draining   draining
	supervisor *supervise.Supervisor
	outclaimed chan *NameTakenError    // has one once another city keeps the name
	quit       context.CancelCauseFunc // of Run

	ready     chan struct{}
	readyOnce sync.Once
	closeOnce sync.Once
	closePubs context.CancelFunc
}

// New makes a node that listens but does not run yet. It fails with the name of
// the field that cannot be used, or an error that matches ErrListen. A node
// that is not run must be closed.
func New(cfg Config) (*Node, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("node: %w", err)
	}
	usual := len(cfg.Listen) == 0
	cfg, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	n := &Node{
		cfg:       cfg,
		log:       cfg.Logger,
		syncID:    libp2pprotocol.ID(protocol.SyncID(cfg.Network)),
		directory: newDirectory(),
		admission: newAdmission(),
		ready:     make(chan struct{}),

		outclaimed: make(chan *NameTakenError, 1),
	}
	n.callServer = &protocol.Server{City: cfg.City.Name, Handler: calls{n}, Logger: n.log}
	if err := n.openStore(); err != nil {
		return nil, err
	}
	if n.city, err = city.New(cfg.City, n.cityOptions()); err != nil {
		return nil, err
	}
	if n.host, err = newHost(cfg); err != nil {
		return nil, err
	}
	if usual {
		n.keepPorts()
	}
	n.clients = newClients(n.host, cfg.Network)
	if err := n.assemble(); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

// complete sets what depends on other fields.
func (c Config) complete() (Config, error) {
	c = c.withDefaults()
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
	c.City.Replica = crdt.ReplicaOf([]byte(id))
	if len(c.Listen) == 0 {
		c.Listen = usualListen(c.StateDir, c.Open)
	}
	return c, nil
}

// openStore makes what depends on whether there is a store.
func (n *Node) openStore() (err error) {
	if n.cfg.Store == nil {
		n.kept, err = openKept(n.cfg.StateDir, n.cfg.City.Name)
		return err
	}
	n.kept = keptInStore(n.cfg.Store, n.cfg.City.Name)
	n.journal = newJournal(n)
	return nil
}

func (n *Node) cityOptions() city.Options {
	o := city.Options{
		Now:             n.cfg.Now,
		NextIncarnation: n.nextIncarnation,
		Observer:        city.Observer{Started: n.cityStarted, Stepped: n.cityStepped},
	}
	if n.journal != nil {
		o.Journal = func() city.Journal { return n.journal.begin() }
		o.Fill = n.fill
	}
	return o
}

// nextIncarnation numbers a start. What the store could not keep of it, it is given
// once it works.
func (n *Node) nextIncarnation() (crdt.Stamp, error) {
	next, err := n.kept.NextIncarnation(n.now())
	if n.journal != nil {
		if fault := n.cfg.Store.Err(); fault != nil {
			n.journal.fail(fault)
		}
	}
	return next, err
}

// assemble makes the parts that need the host.
func (n *Node) assemble() (err error) {
	ctx, cancel := context.WithCancel(context.Background())
	n.closePubs = cancel
	n.presence = newPresence(n)
	n.entropy = newAntiEntropy(n)
	peers := ""
	if n.cfg.StateDir != "" {
		peers = filepath.Join(n.cfg.StateDir, peersFile)
	}
	n.saved, err = bootstrap.OpenSaved(peers)
	if corrupt := (*bootstrap.CorruptError)(nil); errors.As(err, &corrupt) {
		n.log.Warn("last-known peers were damaged and set aside", "err", err)
	} else if err != nil {
		return err
	}
	if n.gossip, err = newGossip(ctx, n); err != nil {
		return err
	}
	if n.redialer, err = bootstrap.NewRedialer(n.host, n.redialConfig()); err != nil {
		return err
	}
	if n.cfg.MDNS {
		n.mdns = bootstrap.NewMDNS(n.host, n.log, n.redialer.Found)
	}
	n.names, err = bootstrap.NewNames(n.host, bootstrap.NamesConfig{
		Network: n.cfg.Network,
		City:    n.cfg.City.Name,
		Logger:  n.log,
	})
	if err != nil {
		return err
	}
	n.supervisor, err = supervise.New(supervise.Config{Children: n.children(), Observer: n.observer()})
	return err
}

func (n *Node) redialConfig() bootstrap.RedialConfig {
	call := libp2pprotocol.ID(protocol.CallID(n.cfg.Network))
	return bootstrap.RedialConfig{
		Bootstrap: n.cfg.Bootstrap,
		Saved:     n.saved,
		Worth: func(_ peer.ID, protocols []libp2pprotocol.ID) bool {
			return speaks(protocols, call) && speaks(protocols, n.syncID)
		},
		Events: bootstrap.RedialEvents{DialFailed: func(f bootstrap.DialFailure) {
			if tell := n.cfg.Events.Unreachable; tell != nil && f.Bootstrap {
				tell(f.Peer, f.Err)
			}
		}},
		Logger: n.log,
	}
}

// Run runs the node until ctx is done. Then it lets the orders that it has begun
// end, refuses new ones, and returns nil once it has said goodbye and everything
// has ended. Before that it returns a *NameTakenError if another live peer holds
// the city's name and keeps it, or an error that matches ErrGaveUp. It can be
// called once.
func (n *Node) Run(ctx context.Context) error {
	ctx, n.quit = context.WithCancelCause(ctx)
	defer n.quit(nil)
	drained, stop := n.draining.untilDrained(ctx)
	defer stop()
	err := n.supervisor.Serve(drained)
	if taken, ok := errors.AsType[*NameTakenError](context.Cause(ctx)); ok && err == nil {
		err = taken
	}
	if taken := (*NameTakenError)(nil); errors.As(err, &taken) {
		err = taken
	}
	if gaveUp := (*supervise.IntensityError)(nil); errors.As(err, &gaveUp) {
		err = fmt.Errorf("%w: %w", ErrGaveUp, err)
	}
	if err := n.saved.Flush(); err != nil {
		n.log.Warn("last-known peers were not saved", "err", err)
	}
	return errors.Join(err, n.Close())
}

// Close ends a node that is not running. Run does it by itself.
func (n *Node) Close() (err error) {
	n.closeOnce.Do(func() {
		n.clients.close()
		if n.names != nil {
			err = errors.Join(err, n.names.Close())
		}
		n.closePubs()
		err = errors.Join(err, n.host.Close())
	})
	return err
}

// children are the supervised parts. What comes later relies on what comes
// before: the host is being connected when the city checks its name, and the
// name is advertised once all the rest serves.
func (n *Node) children() []supervise.Child {
	children := []supervise.Child{{Name: childRedial, Start: serving(n.redialer.Serve)}}
	if n.mdns != nil {
		children = append(children, supervise.Child{Name: childMDNS, Start: serving(n.mdns.Serve)})
	}
	children = append(children,
		supervise.Child{Name: childName, Start: n.startName},
		supervise.Child{Name: childStreams, Start: serving(n.serveStreams)})
	if n.journal != nil {
		children = append(children, supervise.Child{Name: childStore, Start: serving(n.journal.serve)})
	}
	return append(children,
		supervise.Child{Name: childCity, Start: n.city.Start},
		supervise.Child{Name: childGossip, Start: serving(n.gossip.serve)},
		supervise.Child{Name: childPresence, Start: serving(n.presence.serve)},
		supervise.Child{Name: childAntiEntropy, Start: serving(n.entropy.serve)},
		supervise.Child{Name: childNames, Start: serving(n.names.Serve)},
	)
}

// serving is the start of a child that needs no preparation.
func serving(serve func(context.Context) error) func(context.Context) (func(context.Context) error, error) {
	return func(context.Context) (func(context.Context) error, error) { return serve, nil }
}

// startName checks the name before anything of the city serves.
func (n *Node) startName(ctx context.Context) (func(context.Context) error, error) {
	if err := n.claim(ctx); err != nil {
		return nil, err
	}
	return n.keepName, nil
}

func (n *Node) observer() supervise.Observer {
	return supervise.Observer{
		Crashed: func(child string, err error, stack []byte) {
			if child == childCity && errors.Is(err, city.ErrBombed) {
				n.log.Warn("city was bombed", "city", n.cfg.City.Name)
			} else {
				n.log.Error("a part crashed and is restarted", "part", child, "err", err, "stack", string(stack))
			}
			if tell := n.cfg.Events.Crashed; tell != nil {
				tell(child, err)
			}
		},
		GaveUp: func(err error) { n.log.Error("supervisor gave up", "err", err) },
		Stopped: func(child string, err error) {
			if err != nil {
				n.log.Warn("a part did not stop cleanly", "part", child, "err", err)
			}
		},
	}
}

// cityStarted is called by the start of each incarnation.
func (n *Node) cityStarted(incarnation crdt.Stamp) {
	n.log.Info("city started empty", "city", n.cfg.City.Name, "incarnation", incarnation.Time())
	n.presence.announce()
	n.entropy.incarnationStarted()
	if tell := n.cfg.Events.Started; tell != nil {
		tell(incarnation)
	}
}

// cityStepped is called by the city's loop after each message with effects.
func (n *Node) cityStepped(fx city.Effects) {
	n.gossip.offer(fx)
	n.entropy.skipped(fx.Future)
	if tell := n.cfg.Events.Changed; tell != nil {
		for change := range fx.All() {
			tell(change)
		}
	}
	if tell := n.cfg.Events.Idle; tell != nil && fx.Note != "" {
		tell(fx.Note)
	}
}

// opened notes that the city answers for what it does not know.
func (n *Node) opened(alone bool) {
	n.log.Info("city is open", "city", n.cfg.City.Name, "alone", alone)
	n.readyOnce.Do(func() { close(n.ready) })
	if tell := n.cfg.Events.Opened; tell != nil {
		tell(alone)
	}
}

// Ready is closed once the name check has passed and the city knows what its
// neighbours know, or that it has none.
func (n *Node) Ready() <-chan struct{} { return n.ready }

// Peer is the node's peer ID.
func (n *Node) Peer() peer.ID { return n.host.ID() }

// City is the node's city.
func (n *Node) City() *city.City { return n.city }

// Addrs are the addresses under which others reach the node, each with
// /p2p/ID. Those on which it listens on all interfaces stand there once for
// each interface.
func (n *Node) Addrs() []ma.Multiaddr {
	addrs, err := peer.AddrInfoToP2pAddrs(&peer.AddrInfo{ID: n.host.ID(), Addrs: n.host.Addrs()})
	if err != nil {
		return nil // only for a peer ID that is none
	}
	return addrs
}

// now is the wall clock as a stamp.
func (n *Node) now() crdt.Stamp { return crdt.StampAt(n.cfg.Now()) }

func (n *Node) isAdmin(p peer.ID) bool {
	for _, admin := range n.cfg.Admins {
		if admin == p {
			return true
		}
	}
	return p == n.host.ID()
}

// speaks reports whether a protocol is among some.
func speaks(protocols []libp2pprotocol.ID, want libp2pprotocol.ID) bool {
	for _, p := range protocols {
		if p == want {
			return true
		}
	}
	return false
}
