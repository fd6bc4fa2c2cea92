package twins

import (
	"context"
	"log/slog"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/citynode/citynode/internal/streams"
	"github.com/citynode/citynode/internal/supervise"
	"github.com/citynode/citynode/internal/wake"
	"github.com/citynode/citynode/protocol"
)

const (
	// dialsAtOnce is how many addresses are dialed at the same time. A dead one takes
	// askTimeout, and a hint must not wait long behind it.
	dialsAtOnce = 4
	// warnEvery is the time between two warnings of a twin that is told to stop.
	warnEvery = time.Minute
	// addrsMax bounds the addresses that one neighbour may name at a time.
	addrsMax = 16
)

// Config is what a Watch needs. All fields but Known are required.
type Config struct {
	Host host.Host
	// Protocol is the call protocol of the network, Network its name.
	Protocol libp2pprotocol.ID
	Network  string
	// City is the city's name, which the neighbours are asked for.
	City string
	// Instance is that of this process.
	Instance protocol.Instance
	// Known are addresses at which a twin may be: where this city was before.
	Known []ma.Multiaddr
	// AskNeighbours says that neighbours are asked where they know this peer. A key that
	// this process has made and kept to itself needs no such question.
	AskNeighbours bool
	// Neighbours returns up to most connected cities, drawn at random.
	Neighbours func(most int) []peer.ID
	Clients    *streams.Clients
	Logger     *slog.Logger
	// Found is called, once a minute at most, with a twin that is going to stop.
	Found func(link *Link)
	// Yield is called once with the twin that goes on. This process is to stop; the link
	// lasts until Yield returns.
	Yield func(ctx context.Context, link *Link)
}

// A Watch looks for twins of this process. Its methods are safe for concurrent use.
type Watch struct {
	cfg     Config
	log     *slog.Logger
	hinted  chan ma.Multiaddr
	asked   chan peer.ID // neighbours that are to be asked
	connect *network.NotifyBundle
}

// New returns a watch that dials nobody until Serve runs.
func New(cfg Config) *Watch {
	w := &Watch{
		cfg: cfg, log: cfg.Logger,
		hinted: make(chan ma.Multiaddr, hintsMax),
		asked:  make(chan peer.ID, neighboursMax),
	}
	w.connect = &network.NotifyBundle{ConnectedF: func(_ network.Network, c network.Conn) {
		// Only who has the key connects so. It may be this process, at an address that it
		// does not know to be its own.
		if c.RemotePeer() == cfg.Host.ID() {
			w.Hint(c.RemoteMultiaddr())
		}
	}}
	return w
}

// Hint says that a twin may be at these addresses. Anybody may have said so. It never
// blocks; what does not fit is dropped.
func (w *Watch) Hint(addrs ...ma.Multiaddr) {
	for _, addr := range addrs {
		select {
		case w.hinted <- addr:
		default:
			return
		}
	}
}

// HintFrom says that a neighbour has shown something of a twin, without an address. The
// neighbour is asked soon.
func (w *Watch) HintFrom(p peer.ID) {
	select {
	case w.asked <- p:
	default:
	}
}

// Serve looks for twins until ctx is done.
func (w *Watch) Serve(ctx context.Context) error {
	w.cfg.Host.Network().Notify(w.connect)
	defer w.cfg.Host.Network().StopNotify(w.connect)
	group, ctx := supervise.NewGroup(ctx)
	group.Go(func() error { return w.dialHinted(ctx, group) })
	group.Go(func() error { return w.tryKnown(ctx) })
	if w.cfg.AskNeighbours {
		group.Go(func() error { return w.askNeighbours(ctx) })
	}
	return group.Wait()
}

// tryKnown hints at the addresses where this city was before: at once, and then ever more
// rarely, as a twin may start there at any time.
func (w *Watch) tryKnown(ctx context.Context) error {
	for pause := time.Second; ; pause = min(2*pause, time.Minute) {
		w.Hint(w.cfg.Known...)
		if wake.Sleep(ctx, pause) != nil {
			return nil
		}
	}
}

// A verdict is what became of a dial.
type verdict struct {
	addr ma.Multiaddr
	link *Link // nil: nobody of the own key answered there
}

// dialHinted dials the addresses that are hinted at, and judges who answers. It owns what
// is remembered of them.
func (w *Watch) dialHinted(ctx context.Context, group *supervise.Group) error {
	known, dialing, over := newHints(), 0, make(chan verdict, dialsAtOnce)
	for {
		hinted := w.hinted
		if dialing == dialsAtOnce {
			hinted = nil
		}
		select {
		case <-ctx.Done():
			for ; dialing > 0; dialing-- { // their context is done too
				if v := <-over; v.link != nil {
					_ = v.link.Close()
				}
			}
			return nil
		case addr := <-hinted:
			if !known.due(addr, time.Now()) {
				continue
			}
			if w.isOwn(addr) {
				known.own(addr, time.Now())
				continue
			}
			dialing++
			group.Go(func() error {
				v := verdict{addr: addr}
				defer func() { over <- v }() // also where it panics
				v.link = w.ask(ctx, addr)
				return nil
			})
		case v := <-over:
			dialing--
			if v.link != nil {
				w.judge(ctx, v, known)
				_ = v.link.Close()
			}
		}
	}
}

// judge does what is to be done with a process that has the own key: of two the greater
// instance stops. It is this process itself where both are equal.
func (w *Watch) judge(ctx context.Context, v verdict, known *hints) {
	switch order := w.cfg.Instance.Compare(v.link.Info.Instance); {
	case order == 0:
		known.own(v.addr, time.Now())
	case order > 0:
		w.log.Error("another process runs with the key of this one and started earlier; this one stops", "addr", v.addr)
		w.cfg.Yield(ctx, v.link)
		<-ctx.Done() // Yield has the node stop
	case known.tell(time.Now()):
		w.log.Warn("another process runs with the key of this one and started later; that one is to stop", "addr", v.addr)
		w.cfg.Found(v.link)
	}
}

// ask dials an address. It returns nil where nobody of the own key answers.
func (w *Watch) ask(ctx context.Context, addr ma.Multiaddr) *Link {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	link, err := w.Dial(ctx, addr)
	if err != nil {
		w.log.Debug("no process with the own key is there", "addr", addr, "err", err)
		return nil
	}
	return link
}

// isOwn reports whether this host listens at an address.
func (w *Watch) isOwn(addr ma.Multiaddr) bool {
	listen, err := w.cfg.Host.Network().InterfaceListenAddresses()
	if err != nil {
		listen = w.cfg.Host.Network().ListenAddresses()
	}
	for _, own := range listen {
		if own.Equal(addr) {
			return true
		}
	}
	return false
}

// believable returns those of the addresses that a neighbour may name. One that is reached
// over a public address must not have this host dial into its own local network.
func believable(addrs []ma.Multiaddr, neighbour ma.Multiaddr) (some []ma.Multiaddr) {
	for _, addr := range addrs {
		if len(some) < addrsMax && (manet.IsPublicAddr(addr) || !manet.IsPublicAddr(neighbour)) {
			some = append(some, addr)
		}
	}
	return some
}
