package membership

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
	"github.com/multiformats/go-multistream"
)

const (
	// deadWorkers is for how many peers connections are compared at once. One
	// comparison takes up to seven seconds, and a partition that heals brings many.
	deadWorkers = 8
	// deadQueueMax bounds the peers that wait to be compared. The connections of a
	// peer that does not fit end by libp2p's own time-out.
	deadQueueMax = 256
	// echoWithin is how soon one of a peer's connections must answer for the
	// others to be judged.
	echoWithin = 5 * time.Second
	// deadAfter is how much later than another a connection may answer: a few
	// round trips of a network that is slow and loses packets.
	deadAfter = 2 * time.Second
)

// deadConns closes connections whose other end is gone. A peer that connects
// although it is connected was killed and has come back, or was cut off. Over
// QUIC nothing tells this host so for 30 s. In the meantime libp2p opens new
// streams on the connection that has the most of them: the old one. So deadConns
// compares the connections of such a peer. It closes a connection that is silent
// while another answers, which ends everything that waits for that connection.
type deadConns struct {
	host  host.Host
	log   *slog.Logger
	queue chan peer.ID
}

func newDeadConns(h host.Host, log *slog.Logger) *deadConns {
	return &deadConns{host: h, log: log, queue: make(chan peer.ID, deadQueueMax)}
}

// suspect queues a peer that has several connections, which are then compared. It
// never blocks.
func (d *deadConns) suspect(p peer.ID) {
	if len(d.host.Network().ConnsToPeer(p)) < 2 {
		return
	}
	select {
	case d.queue <- p:
	default:
	}
}

// work compares the connections of the peers of the queue and closes the silent ones.
func (d *deadConns) work(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case p := <-d.queue:
			for _, c := range silent(ctx, d.host.Network().ConnsToPeer(p)) {
				d.log.Info("connection is dead while another is alive, closing it", "peer", p, "addr", c.RemoteMultiaddr())
				_ = c.Close() // whatever that says, it is of no use
			}
		}
	}
}

// silent returns those of a peer's connections on which nothing comes back although
// another has answered.
func silent(ctx context.Context, conns []network.Conn) (quiet []network.Conn) {
	if len(conns) < 2 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, echoWithin+deadAfter)
	var asking sync.WaitGroup
	// Deferred calls run in reverse order: the echoes are ended before they are waited
	// for.
	defer asking.Wait()
	defer cancel()
	type echo struct {
		conn int
		err  error
	}
	// Has room for all, so that an echo that comes after the verdict ends too.
	echoes := make(chan echo, len(conns))
	for i, c := range conns {
		asking.Go(func() { echoes <- echo{i, awaitEcho(ctx, c)} })
	}
	over := make(map[int]bool, len(conns))
	var late <-chan time.Time // once one has answered
	for len(over) < len(conns) {
		select {
		case e := <-echoes:
			over[e.conn] = true // one that failed at once may have no room, or has ended
			if e.err == nil && late == nil {
				late = time.After(deadAfter)
			}
		case <-late:
			for i, c := range conns {
				if !over[i] {
					quiet = append(quiet, c)
				}
			}
			return quiet
		case <-ctx.Done():
			// None has answered. The fault may be at this end, so none is closed.
			return nil
		}
	}
	return nil
}

// awaitEcho opens a stream and waits until the peer has agreed to the stream's
// protocol or has refused it: both are signs of life.
func awaitEcho(ctx context.Context, c network.Conn) error {
	s, err := c.NewStream(ctx)
	if err != nil {
		return err
	}
	defer s.Reset() //nolint:errcheck // nobody waits for it
	defer context.AfterFunc(ctx, func() { _ = s.Reset() })()
	err = multistream.SelectProtoOrFail[libp2pprotocol.ID](ping.ID, s)
	if _, refused := errors.AsType[multistream.ErrNotSupported[libp2pprotocol.ID]](err); refused {
		return nil
	}
	return err
}
