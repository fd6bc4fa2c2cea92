package bootstrap

import (
	"context"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

const (
	// dialTimeout bounds a dial with its handshake and identify. The swarm gives up
	// an address of a private network after 5 s and says why. dialTimeout is a
	// little longer, so that the reason arrives.
	dialTimeout = 6 * time.Second
	// ownTimeoutMin is the least time in which a dial that joined no other times
	// out.
	ownTimeoutMin = 4 * time.Second
	// joinedPause is the pause between a dial that had joined another and the dial
	// that repeats it.
	joinedPause = 50 * time.Millisecond
	// flushAfter is how long changes of Saved are collected before Saved is written.
	flushAfter = 2 * time.Second
	// flushRetry is the pause after Saved could not be written.
	flushRetry = time.Minute
)

// A redialLoop is one run of Serve. The goroutine of run owns all of it. Each other
// goroutine does one thing, sends the result and ends.
type redialLoop struct {
	*Redialer
	roster *roster
	names  *dnsNames

	workers  sync.WaitGroup
	dialed   chan dial                      // has room for all dials at once
	cancels  map[peer.ID]context.CancelFunc // of the dials under way
	resolved chan resolution                // has room for all resolutions at once
	flushed  chan error                     // has room for the one flush at a time
	flushing bool
	flushDue time.Time // zero: nothing to write
}

func newRedialLoop(r *Redialer) *redialLoop {
	l := &redialLoop{
		Redialer: r,
		roster:   newRoster(r.host.ID(), r.config.Wanted),
		names:    newDNSNames(r.config.Bootstrap),
		dialed:   make(chan dial, dialsMax),
		cancels:  make(map[peer.ID]context.CancelFunc),
		resolved: make(chan resolution, resolvesMax),
		flushed:  make(chan error, 1),
	}
	l.setNamed(time.Now())
	l.roster.setSaved(time.Now(), r.config.Saved.Peers())
	return l
}

// run dials, resolves and writes until ctx is done, then waits for all that it
// started.
func (l *redialLoop) run(ctx context.Context, identified <-chan any) {
	ctx, cancel := context.WithCancel(ctx)
	// Deferred calls run in reverse order: the workers are told to end, have ended, and
	// only then the last changes are written.
	defer l.flush()
	defer l.workers.Wait()
	defer cancel()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		// Whatever woke the loop, it looks at all connections: wake may stand for many
		// changes.
		l.observe()
		arm(timer, l.start(ctx))
		select {
		case <-ctx.Done():
			return
		case <-l.wake:
		case <-timer.C:
		case e, ok := <-identified:
			if !ok {
				identified = nil // the host is closed
				continue
			}
			l.identified(e.(event.EvtPeerIdentificationCompleted))
		case info := <-l.found:
			l.roster.addFound(time.Now(), info)
		case <-l.hasten:
			l.hastenAll()
		case <-l.config.Saved.changed:
			l.roster.setSaved(time.Now(), l.config.Saved.Peers())
			l.flushDue = sooner(l.flushDue, time.Now().Add(flushAfter))
		case d := <-l.dialed:
			l.dialEnded(d)
		case r := <-l.resolved:
			l.resolveEnded(r)
		case err := <-l.flushed:
			l.flushEnded(err)
		}
	}
}

// arm sets the timer to fire at a time. A zero time stops it.
func arm(timer *time.Timer, at time.Time) {
	if at.IsZero() {
		timer.Stop()
		return
	}
	timer.Reset(time.Until(at))
}

// observe tells the owner which peers have been connected or lost since its last
// call. It compares instead of counting events, so one that was missed does no harm.
func (l *redialLoop) observe() {
	changes := l.roster.observe(time.Now(), func(id peer.ID) bool {
		return l.host.Network().Connectedness(id) == network.Connected
	})
	events := l.config.Events
	for _, c := range changes {
		switch {
		case c.connected && events.Connected != nil:
			events.Connected(c.id)
		case !c.connected && events.Disconnected != nil:
			events.Disconnected(c.id)
		}
		l.tellFailure(c.refused)
	}
	status := l.roster.status()
	l.status.Store(&status)
}

// start begins all that is due and returns the time at which to call it again.
func (l *redialLoop) start(ctx context.Context) (wake time.Time) {
	now := time.Now()
	dials, wake := l.roster.next(now, len(l.host.Network().Peers()))
	for _, d := range dials {
		dialCtx, cancel := context.WithCancel(ctx)
		l.cancels[d.id] = cancel
		l.workers.Go(func() {
			d.err = l.dial(dialCtx, d)
			l.dialed <- d
		})
	}
	names, later := l.names.next(now)
	for _, n := range names {
		l.workers.Go(func() {
			peers, err := l.config.Resolver.Resolve(ctx, []ma.Multiaddr{n.addr})
			l.resolved <- resolution{name: n, peers: peers, err: err}
		})
	}
	return sooner(sooner(wake, later), l.startFlush(now))
}

// hastenAll has all that are not connected dialed soon. A dial that is under way since
// before is ended: it may wait for seconds before its next packet.
func (l *redialLoop) hastenAll() {
	for _, id := range l.roster.hasten(time.Now()) {
		l.cancels[id]()
	}
}

// dial connects to a peer as if nothing had been tried before.
func (l *redialLoop) dial(ctx context.Context, d dial) error {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	return connectAnew(ctx, l.host, peer.AddrInfo{ID: d.id, Addrs: d.addrs})
}

// connectAnew connects to a peer even if the swarm remembers failed dials, for which
// it would refuse the dial for minutes. If a dial of the same peer is under way the
// swarm joins the new dial to it, and the older dial may have begun when the peer
// could not be reached. So connectAnew dials once more after a dial that timed out
// too early to be its own.
func connectAnew(ctx context.Context, h host.Host, info peer.AddrInfo) error {
	begun := time.Now()
	err := connectOnce(ctx, h, info)
	if err == nil || ctx.Err() != nil || time.Since(begun) > ownTimeoutMin {
		return err
	}
	if reason, _ := ExplainDial(err, info.Addrs); reason != TimedOut {
		return err
	}
	// The swarm answers with the failed dial until all that joined it have left.
	if wait(ctx, joinedPause); ctx.Err() != nil {
		return err
	}
	return connectOnce(ctx, h, info)
}

// connectOnce clears the swarm's memory of failed dials of a peer and connects. It
// adds the addresses to the peerstore each time, because the peerstore forgets
// them.
func connectOnce(ctx context.Context, h host.Host, info peer.AddrInfo) error {
	if s, ok := h.Network().(interface{ Backoff() *swarm.DialBackoff }); ok {
		s.Backoff().Clear(info.ID)
	}
	h.Peerstore().AddAddrs(info.ID, info.Addrs, peerstore.TempAddrTTL)
	return h.Connect(ctx, info)
}

func (l *redialLoop) dialEnded(d dial) {
	l.cancels[d.id]()
	delete(l.cancels, d.id)
	l.tellFailure(l.roster.dialed(time.Now(), d))
}

func (l *redialLoop) tellFailure(f *DialFailure) {
	if f != nil && l.config.Events.DialFailed != nil {
		l.config.Events.DialFailed(*f)
	}
}

func (l *redialLoop) resolveEnded(r resolution) {
	if tell := l.names.resolved(time.Now(), r); tell && l.config.Events.ResolveFailed != nil {
		l.config.Events.ResolveFailed(r.name.addr, r.err)
	}
	l.setNamed(time.Now())
}

// setNamed passes the bootstrap peers to the roster, with those to which names have
// resolved.
func (l *redialLoop) setNamed(now time.Time) {
	addrs := l.config.Bootstrap
	for _, info := range l.names.peers() {
		p2p, err := peer.AddrInfoToP2pAddrs(&info)
		if err == nil {
			// The cap makes append copy, for the first addrs is the configuration's
			// own.
			addrs = append(addrs[:len(addrs):len(addrs)], p2p...)
		}
	}
	l.roster.setNamed(now, mergePeers(addrs))
}

// identified judges a peer that has said what it speaks.
func (l *redialLoop) identified(e event.EvtPeerIdentificationCompleted) {
	if err := l.config.Foreign(e.Protocols); err != nil {
		l.tellFailure(l.roster.foreign(e.Peer, err))
	}
	l.remember(e)
}

// remember saves where an identified peer can be dialed.
func (l *redialLoop) remember(e event.EvtPeerIdentificationCompleted) {
	if e.Conn == nil || !l.config.Worth(e.Peer, e.Protocols) {
		return
	}
	l.config.Saved.Remember(peer.AddrInfo{ID: e.Peer, Addrs: dialableAddrs(e.Conn, e.ListenAddrs)})
}

// dialableAddrs returns the addresses at which the peer at the other end can be
// dialed later: the one that was dialed, and those on which the peer says it
// listens. Loopback addresses are left out unless the peer is on this machine. A
// peer that listens nowhere cannot be dialed.
func dialableAddrs(conn network.Conn, listen []ma.Multiaddr) []ma.Multiaddr {
	if len(listen) == 0 {
		return nil
	}
	var addrs []ma.Multiaddr
	if conn.Stat().Direction == network.DirOutbound {
		addrs = append(addrs, conn.RemoteMultiaddr())
	}
	here := manet.IsIPLoopback(conn.RemoteMultiaddr())
	for _, addr := range listen {
		if here || !manet.IsIPLoopback(addr) {
			addrs = append(addrs, addr)
		}
	}
	return addrs
}

// startFlush begins to write Saved if a write is due. Otherwise it returns when one
// will be.
func (l *redialLoop) startFlush(now time.Time) (wake time.Time) {
	if l.flushing || l.flushDue.IsZero() {
		return time.Time{}
	}
	if l.flushDue.After(now) {
		return l.flushDue
	}
	// A change that comes during the write sets flushDue again, and is written after
	// it.
	l.flushing, l.flushDue = true, time.Time{}
	l.workers.Go(func() { l.flushed <- l.config.Saved.Flush() })
	return time.Time{}
}

func (l *redialLoop) flushEnded(err error) {
	l.flushing = false
	if err != nil {
		l.config.Logger.Warn("saved peers not written", "err", err)
		l.flushDue = sooner(l.flushDue, time.Now().Add(flushRetry))
	}
}

// flush writes the last changes of Saved, when no worker can be writing any more.
func (l *redialLoop) flush() {
	if err := l.config.Saved.Flush(); err != nil {
		l.config.Logger.Warn("saved peers not written", "err", err)
	}
}
