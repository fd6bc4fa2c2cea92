package antientropy

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/reconcile"
)

const (
	// sessionsMax is how many sessions this node runs at once: enough to catch up
	// with a few neighbours, few enough to leave the city to its callers.
	sessionsMax = 4
	// gossipTakes is how long after a presence that shows another digest the
	// difference must last to be more than gossip on its way.
	gossipTakes = time.Second
	// meetSoon and meetLate are when two cities that meet and have both learned
	// what there is begin a session: one of them, then, if that failed, the other.
	meetSoon = 200 * time.Millisecond
	meetLate = time.Second
	// repairAfter is how long after gossip lost something anti-entropy repairs it,
	// so that one session repairs a burst of losses.
	repairAfter = time.Second
	// repairWith is with how many cities it does so where this node may be the one
	// that misses something. Two, since one may have lost the same.
	repairWith = 2
	// learnFrom is how many neighbours a new incarnation asks at once. The first that
	// answers sends its state; the other one is there in case that goes wrong.
	learnFrom = 2
)

// Cluster is what there is to sync with.
type Cluster interface {
	// Neighbours returns up to most connected cities, drawn at random.
	Neighbours(most int) []peer.ID
	// Alive returns all cities that are alive, also those that are known only through
	// others.
	Alive() []Neighbour
	// NameOf returns the name of a city, "" where it is not known.
	NameOf(peer.ID) string
	// Agreed notes a complete session with an incarnation of the peer, with what the peer
	// held and what its clock showed then. The session began at start by the wall clock,
	// and at begun by the clock that runs in this process.
	Agreed(p peer.ID, of reconcile.Hello, start crdt.Stamp, begun time.Time)
}

// A Neighbour is another city.
type Neighbour struct {
	Name string
	Peer peer.ID
	// Apart is why the city cannot be synced with from here; nil where it can.
	Apart error
}

// Config is what anti-entropy needs. All fields are required but those that are optional.
type Config struct {
	Host host.Host
	// Protocol is the ID of the network's sync protocol.
	Protocol libp2pprotocol.ID
	City     *city.City
	Cluster  Cluster
	// Open has the city answer for what it does not know. alone says that there was
	// nobody to learn from.
	Open func(alone bool)
	// FindAddrs gives the host addresses to dial a peer at, if it has none.
	FindAddrs func(context.Context, peer.ID)
	// ExpectsPeers reports whether there are peers that may become neighbours soon.
	ExpectsPeers func() bool
	// Trusted says that every peer is one that was admitted, and may bring as many new
	// entries as a city that is known for some time. Optional.
	Trusted bool
	// Every is the shortest time between two rounds with a random city.
	Every time.Duration
	// Now is the wall clock as a stamp.
	Now    func() crdt.Stamp
	Logger *slog.Logger
	Hooks  Hooks
}

// Hooks are called as things happen, several at the same time. They must return at
// once. All are required.
type Hooks struct {
	// Greeted tells what a peer showed at the beginning of a session.
	Greeted func(peer.ID, reconcile.Hello)
	// Synced tells of each session that ended, by our doing or the other side's.
	Synced func(SyncEvent)
	// Joining tells now and then how far the transfer of a whole state has come.
	Joining func(Progress)
}

// A SyncEvent is the end of a session.
type SyncEvent struct {
	City string
	Peer peer.ID
	// Differed counts the entries that one side lacked, Skipped the heroes left
	// out for their future stamps.
	Differed, Skipped uint64
	Took              time.Duration
	Err               error
}

// AntiEntropy runs and answers sessions. Its methods are safe for concurrent use.
type AntiEntropy struct {
	cfg        Config
	log        *slog.Logger
	city       *syncedCity
	opening    *opening
	responders *admission
	streams    *streamPool
	strikes    *strikes
	memory     memory
	leftOut    leftOut
	standing   *standing
	progress   *follower
	settles    settles
	manners    *manners
	future     atomic.Uint64 // heroes skipped for their future stamps, so far
	left       atomic.Uint64 // entries left out since the city is full, so far
	requests   *requests
	intake     *intake
	audits     audits
}

// New returns an AntiEntropy that runs no session until Serve does.
func New(cfg Config) *AntiEntropy {
	open := cfg.Open
	a := &AntiEntropy{
		cfg:        cfg,
		log:        cfg.Logger,
		city:       newSyncedCity(cfg.City, cfg.Now),
		responders: newAdmission(),
		streams:    newStreamPool(cfg.Host, cfg.Protocol),
		strikes:    newStrikes(),
		requests:   newRequests(),
		manners:    newManners(),
		standing:   newStanding(),
	}
	cfg.Open = func(alone bool) { a.standing.open(time.Now()); open(alone) }
	a.intake = newIntake(a.requests.wake)
	a.opening = newOpening(cfg, func() bool { _, held := a.intake.held(time.Now()); return held })
	a.progress = &follower{log: cfg.Logger, name: cfg.Cluster.NameOf, tell: cfg.Hooks.Joining}
	return a
}

// Started says that the node has started, so that what it waits for at its start
// counts from now.
func (a *AntiEntropy) Started() { a.opening.nodeStarted() }

// Meet has a session with a city that has just come. A city that is learning
// what there is begins at once, and others leave that to it: two sessions at the
// same time, one each way, would move a whole state twice.
func (a *AntiEntropy) Meet(p peer.ID) {
	switch {
	case a.opening.waiting() || a.holdsNothing():
		a.requests.add(p, 0)
	case a.cfg.Host.ID() < p:
		a.requests.add(p, meetSoon)
	default:
		a.requests.add(p, meetLate)
	}
}

func (a *AntiEntropy) holdsNothing() bool {
	own, err := a.city.summary(context.Background())
	return err == nil && own == crdt.Summary{}
}

// Compare has a session with a city that shows another state than ours, after a
// pause in which gossip may make the two equal.
func (a *AntiEntropy) Compare(p peer.ID, shown crdt.Summary) {
	own, err := a.city.summary(context.Background())
	if err == nil && own != shown {
		a.requests.add(p, gossipTakes)
	}
}

// Missed has a session soon with a peer that missed what this node gossiped.
func (a *AntiEntropy) Missed(p peer.ID) { a.requests.add(p, repairAfter) }

// Lost has sessions soon with some neighbours: gossip lost something, and it is not
// known whose.
func (a *AntiEntropy) Lost() {
	for _, p := range a.cfg.Cluster.Neighbours(repairWith) {
		a.Missed(p)
	}
}

// IncarnationStarted has a city that has just started learn from its neighbours.
func (a *AntiEntropy) IncarnationStarted() {
	a.opening.begin()
	a.standing.begin()
	for _, p := range a.cfg.Cluster.Neighbours(learnFrom) {
		a.requests.add(p, 0)
	}
	a.requests.wake.Set()
}

// Stepped notes what the own city left out: heroes for their future stamps, and entries for
// which it has no room.
func (a *AntiEntropy) Stepped(fx *city.Effects) {
	a.left.Add(uint64(fx.LeftOut))
	heroes := fx.Future
	if len(heroes) == 0 {
		return
	}
	a.future.Add(uint64(len(heroes)))
	a.memory.skip(heroes, a.cfg.Now())
}

// FutureSkipped returns how many heroes were left out for their future stamps, so
// far.
func (a *AntiEntropy) FutureSkipped() uint64 { return a.future.Load() }

// LeftOut returns how many entries were left out since the city is full, so far.
func (a *AntiEntropy) LeftOut() uint64 { return a.left.Load() }

// Known reports whether a peer is a city with which this node has exchanged states for
// some time, so that it may bring more new entries than a stranger.
func (a *AntiEntropy) Known(p peer.ID) bool { return a.cfg.Trusted || a.standing.has(p) }

// brings reports whether a session that begins with a peer now may bring more new entries
// than one with a stranger. So may the one that a city learns from which is not open yet,
// or which holds few entries and has met nobody.
func (a *AntiEntropy) brings(p peer.ID) bool {
	return a.Known(p) || a.opening.waiting() || a.standing.lonely() && a.holdsFew()
}

// few is how many entries a city holds at most that learns from whom it meets first as one
// does that is empty. It is more than none, so that a bad peer that comes first and brings
// a few, and never all, does not make the next ones strangers.
const few = 16 << 10

func (a *AntiEntropy) holdsFew() bool {
	own, err := a.city.summary(context.Background())
	return err == nil && own.Heroes+own.Tombstones <= few
}

// Joining returns how far the transfer of another city's whole state has come, or
// nil if none is running.
func (a *AntiEntropy) Joining() *Progress { return a.progress.progress() }
