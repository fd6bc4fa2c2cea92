package node

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/reconcile"
	"github.com/citynode/citynode/internal/supervise"
	"github.com/citynode/citynode/protocol"
)

const (
	// syncsMax is how many sessions this node runs at once: enough to catch up
	// with a few neighbours, few enough to leave the city to its callers.
	syncsMax = 4
	// respondersMax and respondersPerPeer bound the sessions that it answers.
	respondersMax     = 32
	respondersPerPeer = 2
	// auditsMax is how many walks through the whole state may run at once for
	// audits.
	auditsMax = 1
	// syncIdle is the longest time between two random rounds, reached while
	// they find nothing.
	syncIdle = 30 * time.Second
	// syncSlowing is by how much the pause grows after a round that found
	// nothing.
	syncSlowing = 2
	// gossipTakes is how long after a presence that shows another digest the
	// difference must last to be more than gossip on its way.
	gossipTakes = time.Second
	// meetSoon and meetLate are when two cities that meet and have both learned
	// what there is begin a session: one of them, then, if that failed, the other.
	meetSoon = 200 * time.Millisecond
	meetLate = time.Second
)

// antiEntropy brings the city and its neighbours to the same state: the
// guarantee behind gossip. One goroutine, the loop in serve, decides whom to
// sync with; each session has a goroutine of its own.
type antiEntropy struct {
	node       *Node
	opening    *opening
	responders *doorkeeper
	streams    *syncStreams
	strikes    *strikes
	memory     syncMemory
	joining    *joining
	audits     chan struct{}
	latest     latestSketch
	future     atomic.Uint64 // heroes skipped for their future stamps, so far
	wishes     *wishes
}

func newAntiEntropy(n *Node) *antiEntropy {
	a := &antiEntropy{
		node:       n,
		responders: newDoorkeeper(),
		streams:    newSyncStreams(n),
		strikes:    newStrikes(),
		audits:     make(chan struct{}, auditsMax),
		wishes:     newWishes(),
	}
	a.opening = newOpening(n)
	a.joining = &joining{log: n.log, name: a.nameOf, tell: n.cfg.Events.Joining}
	for range auditsMax {
		a.audits <- struct{}{}
	}
	return a
}

// want has a session with the peer after a pause; it never blocks.
func (a *antiEntropy) want(p peer.ID, after time.Duration) { a.wishes.add(p, after) }

// meet has a session with a city that has just come. A city that is learning
// what there is begins at once, and others leave it to it: two sessions at the
// same time, one each way, would move a whole state twice.
func (a *antiEntropy) meet(p peer.ID) {
	switch {
	case a.opening.waiting() || a.holdsNothing():
		a.want(p, 0)
	case a.node.host.ID() < p:
		a.want(p, meetSoon)
	default:
		a.want(p, meetLate)
	}
}

func (a *antiEntropy) holdsNothing() bool {
	own, err := a.node.ownPresence(context.Background())
	return err == nil && own.Summary == crdt.Summary{}
}

// compare wants a session with a city whose presence shows another state than
// ours, if that lasts longer than gossip takes.
func (a *antiEntropy) compare(p peer.ID, news protocol.Presence) {
	own, err := a.node.ownPresence(context.Background())
	if err == nil && own.Summary != news.Summary {
		a.want(p, gossipTakes)
	}
}

// incarnationStarted has the new, empty city learn from two neighbours at
// once.
func (a *antiEntropy) incarnationStarted() {
	a.opening.begin()
	for _, p := range a.pick(2) {
		a.want(p, 0)
	}
	poke(a.wishes.wake)
}

// skipped notes heroes that were left out for their future stamps.
func (a *antiEntropy) skipped(heroes []crdt.Hero) {
	if len(heroes) == 0 {
		return
	}
	a.future.Add(uint64(len(heroes)))
	a.memory.skip(heroes, a.node.now())
}

// serve runs sessions until ctx is done: those that are wanted, and one with a
// random city at intervals that grow while they find nothing.
func (a *antiEntropy) serve(ctx context.Context) error {
	group, ctx := supervise.NewGroup(ctx)
	group.Go(func() error { return a.loop(ctx, group) })
	err := group.Wait()
	a.streams.idle.closeAll()
	return err
}

// round is a session that ended.
type round struct {
	peer    peer.ID
	random  bool
	differs bool
	err     error
}

func (a *antiEntropy) loop(ctx context.Context, group *supervise.Group) error {
	running := make(map[peer.ID]bool)
	ended := make(chan round, syncsMax)
	start := func(p peer.ID, random bool) {
		running[p] = true
		group.Go(func() error {
			r := a.run(ctx, p)
			r.random = random
			ended <- r
			return nil
		})
	}
	pause := a.node.cfg.SyncEvery
	random := time.NewTimer(jitter(pause))
	defer random.Stop()
	for {
		busy := func(p peer.ID) bool { return running[p] || a.responders.serves(p) }
		due, wait := a.wishes.take(time.Now(), syncsMax-len(running), busy)
		for _, p := range due {
			start(p, false)
		}
		next := nextWake(wait, a.opening.check())
		select {
		case <-ctx.Done():
			return nil
		case <-a.wishes.wake:
		case <-next:
		case r := <-ended:
			delete(running, r.peer)
			a.opening.sessionEnded(r.err)
			pause = a.nextPause(pause, r)
		case <-random.C:
			if some := a.pick(1); len(some) == 1 && len(running) < syncsMax && !running[some[0]] {
				start(some[0], true)
			}
			random.Reset(jitter(pause))
		}
	}
}

// nextPause slows random rounds down while they find nothing.
func (a *antiEntropy) nextPause(pause time.Duration, r round) time.Duration {
	switch {
	case r.err == nil && r.differs:
		return a.node.cfg.SyncEvery
	case r.err == nil && r.random:
		return min(pause*syncSlowing, max(syncIdle, a.node.cfg.SyncEvery))
	default:
		return pause
	}
}

// nextWake fires after the shorter of two waits.
func nextWake(a, b time.Duration) <-chan time.Time { return time.After(min(a, b)) }

// run is one session with a peer and what follows from its end.
func (a *antiEntropy) run(ctx context.Context, p peer.ID) round {
	begun, start := time.Now(), a.node.now()
	result, err := a.syncWith(ctx, p)
	a.joining.over(p)
	if ctx.Err() != nil {
		return round{peer: p, err: ctx.Err()}
	}
	if err != nil {
		a.node.log.Debug("sync ended early", "peer", p, "err", err)
		a.tell(SyncEvent{City: a.nameOf(p), Peer: p, Took: time.Since(begun), Err: err})
		return round{peer: p, err: err}
	}
	a.completed(p, result, start, begun)
	return round{peer: p, differs: result.Differed > 0}
}

// completed notes a session that was complete, for this side at least.
func (a *antiEntropy) completed(p peer.ID, result reconcile.Result, start crdt.Stamp, begun time.Time) {
	a.wishes.fulfilled(p, begun)
	a.node.directory.agree(p, result.Peer.Incarnation, start)
	a.node.directory.clock(p, result.Peer.Now)
	a.opening.synced()
	a.tell(SyncEvent{City: a.nameOf(p), Peer: p, Differed: result.Differed, Skipped: result.Skipped, Took: time.Since(begun)})
}

func (a *antiEntropy) tell(e SyncEvent) {
	if tell := a.node.cfg.Events.Synced; tell != nil {
		tell(e)
	}
}

func (a *antiEntropy) nameOf(p peer.ID) string {
	e, _ := a.node.directory.get(p)
	return e.presence.City
}

// pick draws up to n connected cities at random.
func (a *antiEntropy) pick(n int) []peer.ID {
	var some []peer.ID
	for _, p := range a.node.host.Network().Peers() {
		if a.node.isCity(p) {
			some = append(some, p)
		}
	}
	slices.Sort(some)
	rand.Shuffle(len(some), func(i, j int) { some[i], some[j] = some[j], some[i] })
	return some[:min(n, len(some))]
}

// isCity tells whether a peer is connected and speaks the sync protocol.
func (n *Node) isCity(p peer.ID) bool {
	if n.host.Network().Connectedness(p) != network.Connected {
		return false
	}
	spoken, err := n.host.Peerstore().SupportsProtocols(p, n.syncID)
	return err == nil && len(spoken) > 0
}

// poke leaves a token in a channel of capacity 1.
func poke(wake chan struct{}) {
	select {
	case wake <- struct{}{}:
	default:
	}
}
