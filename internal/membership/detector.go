package membership

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/hashicorp/golang-lru/v2"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/detection"
	"github.com/citynode/citynode/internal/streams"
	"github.com/citynode/citynode/internal/supervise"
	"github.com/citynode/citynode/protocol"
)

const (
	// detectionQueueMax bounds the events that wait for the detector, whose steps take
	// microseconds. Who brings one waits while the queue is full.
	detectionQueueMax = 1024
	// choresMax bounds the questions that are under way: some for each of the cities of a
	// large network that is cut off. One beyond it is not put.
	choresMax = 1024
	// signQueueMax bounds the signs that wait to be published. A machine gives fewer.
	signQueueMax = 32
	// addrsMax bounds the addresses of last connections that are remembered.
	addrsMax = 4096
)

// A detector runs the machine that judges which cities live: it tells the machine what
// happens, and does what the machine says. One goroutine owns the machine.
type detector struct {
	host      host.Host
	protocol  libp2pprotocol.ID
	protocols []libp2pprotocol.ID // of who serves as a city, besides
	topic     Topic
	directory *Directory
	log       *slog.Logger
	now       func() time.Time
	refuses   func(ctx context.Context, addr ma.Multiaddr) bool // nil: no address is probed
	unwatched bool
	became    func(peer.ID, protocol.CityStatus)
	confirm   func(peer.ID)
	returned  func()

	events chan detection.Event
	signs  chan protocol.Sign // without their stamps
	chores chan struct{}
	idle   *streams.Pool[*questions]
	guests *guests
	addrs  *lru.Cache[peer.ID, ma.Multiaddr] // of each peer's last connection, where it can be dialed
	last   crdt.Stamp                        // of the last sign; owned by publishSigns
}

func newDetector(cfg Config) *detector {
	addrs, err := lru.New[peer.ID, ma.Multiaddr](addrsMax)
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	return &detector{
		host: cfg.Host, protocol: cfg.Alive, protocols: cfg.Protocols, topic: cfg.Signs, directory: cfg.Directory,
		log: cfg.Logger, now: cfg.Now, refuses: cfg.Refuses, unwatched: cfg.Unwatched, returned: cfg.Hooks.Returned,
		events: make(chan detection.Event, detectionQueueMax),
		signs:  make(chan protocol.Sign, signQueueMax),
		chores: make(chan struct{}, choresMax),
		idle:   streams.NewPool(1, idleQuestionsMax, (*questions).end),
		guests: newGuests(),
		addrs:  addrs,
	}
}

// serve judges until ctx is done. A machine begins with the cities that the directory has
// as alive, for one before it may have crashed.
func (d *detector) serve(ctx context.Context, sub *pubsub.Subscription) error {
	group, ctx := supervise.NewGroup(ctx)
	defer d.idle.CloseAll()
	group.Go(func() error { return d.receiveSigns(ctx, sub) })
	group.Go(func() error { return d.publishSigns(ctx) })
	group.Go(func() error {
		if d.unwatched {
			return d.ignore(ctx)
		}
		return d.judge(ctx, group)
	})
	return group.Wait()
}

// tell gives the detector news. It waits while the queue is full.
func (d *detector) tell(ctx context.Context, e detection.Event) {
	select {
	case d.events <- e:
	case <-ctx.Done():
	}
}

// left tells the detector that a city said goodbye. It never blocks: a machine that does not
// hear of it finds the city silent, and the directory does not take its word for it.
func (d *detector) left(p peer.ID) {
	select {
	case d.events <- detection.Gone{Peer: detection.Peer(p)}:
	default:
	}
}

// ignore takes what happens, in place of judge, and does nothing.
func (d *detector) ignore(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-d.events:
		}
	}
}

// judge owns the machine.
func (d *detector) judge(ctx context.Context, group *supervise.Group) error {
	machine := detection.New(detection.Peer(d.host.ID()), rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())))
	timer := time.NewTimer(0)
	defer timer.Stop()
	for _, e := range d.directory.All() {
		if e.present() {
			d.step(ctx, group, machine, detection.Alive{Peer: detection.Peer(e.Peer), Connected: d.connected(e.Peer)})
			d.became(e.Peer, protocol.StatusAlive)
		}
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case e := <-d.events:
			d.step(ctx, group, machine, e)
		case <-timer.C:
			d.step(ctx, group, machine, detection.Tick{})
		}
		if next := machine.Next(); !next.IsZero() {
			timer.Reset(time.Until(next))
		}
	}
}

// step tells the machine one thing and does what it says.
func (d *detector) step(ctx context.Context, group *supervise.Group, machine *detection.Machine, e detection.Event) {
	for _, effect := range machine.Step(time.Now(), e) {
		d.carryOut(ctx, group, effect)
	}
	if a, ok := e.(detection.Answered); ok {
		status, trip, judged := machine.Standing(a.Peer)
		if !judged {
			return
		}
		// What the directory was told last may have crossed what the machine found.
		known := d.directory.NoteAnswer(peer.ID(a.Peer), d.now(), trip)
		if status == detection.Living && (known == protocol.StatusFailed || known == protocol.StatusSuspect) {
			d.confirm(peer.ID(a.Peer))
		}
	}
}

// carryOut does what the machine says, and never waits for it.
func (d *detector) carryOut(ctx context.Context, group *supervise.Group, effect detection.Effect) {
	switch e := effect.(type) {
	case detection.Ask:
		d.chore(group, func() error { return d.ask(ctx, peer.ID(e.Peer), e.Number) })
	case detection.Dial:
		d.dial(ctx, group, e.Peer, func(p peer.ID) bool { return d.connect(ctx, p) == nil })
	case detection.Knock:
		d.dial(ctx, group, e.Peer, func(p peer.ID) bool { return d.knock(ctx, p) })
	case detection.Probe:
		d.must(ctx, group, func() detection.Event {
			return detection.Probed{Peer: e.Peer, Refused: d.probe(ctx, peer.ID(e.Peer))}
		})
	case detection.Renew:
		d.must(ctx, group, func() detection.Event { d.renew(ctx, peer.ID(e.Peer)); return detection.Tick{} })
	case detection.Tell:
		d.sign(protocol.Sign{About: []byte(e.About)})
	case detection.Live:
		d.sign(protocol.Sign{})
	case detection.Became:
		d.became(peer.ID(e.Peer), statuses[e.Status])
	case detection.Confirm:
		d.confirm(peer.ID(e.Peer))
	case detection.Return:
		d.returned()
	}
}

// statuses are the machine's, in the words of the wire.
var statuses = [...]protocol.CityStatus{
	detection.Living: protocol.StatusAlive, detection.Suspect: protocol.StatusSuspect, detection.Failed: protocol.StatusFailed,
}

// dial dials a city in a goroutine of its own. One that the directory has forgotten is
// dialed no more, and the machine is told so.
func (d *detector) dial(ctx context.Context, group *supervise.Group, p detection.Peer, reached func(peer.ID) bool) {
	d.must(ctx, group, func() detection.Event {
		if _, known := d.directory.Get(peer.ID(p)); !known {
			return detection.Gone{Peer: p}
		}
		return detection.Dialed{Peer: p, OK: reached(peer.ID(p))}
	})
}

// must runs what the machine waits for the end of: at most one dial and one probe a city.
func (d *detector) must(ctx context.Context, group *supervise.Group, f func() detection.Event) {
	group.Go(func() error { d.tell(ctx, f()); return nil })
}

// chore runs f in a goroutine of its own. It reports false, and does not run it, where too
// many are under way.
func (d *detector) chore(group *supervise.Group, f func() error) bool {
	select {
	case d.chores <- struct{}{}:
	default:
		return false
	}
	group.Go(func() error {
		defer func() { <-d.chores }()
		return f()
	})
	return true
}

func (d *detector) connected(p peer.ID) bool {
	return d.host.Network().Connectedness(p) == network.Connected
}
