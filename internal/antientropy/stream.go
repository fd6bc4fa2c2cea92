package antientropy

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"

	"github.com/citynode/citynode/internal/reconcile"
	"github.com/citynode/citynode/internal/streams"
	"github.com/citynode/citynode/protocol"
)

const (
	// StallTimeout is how long a session may go without progress. That is many round
	// trips at the worst of networks, and short enough for a session with another
	// neighbour to follow.
	StallTimeout = 5 * time.Second
	// idleStreamsMax bounds the sync streams that are kept open between sessions: one
	// to each of the cities that a node of usual size is connected to.
	idleStreamsMax = 64
)

// A Stream carries sessions one after another, message by message. Within a session
// each message must make progress within StallTimeout.
type Stream struct {
	network.Stream
	in *bufio.Reader
	// received counts the messages of the present session. A stream that has none
	// when it fails was kept too long.
	received int
}

// NewStream returns a stream that has carried nothing.
func NewStream(s network.Stream) *Stream {
	return &Stream{Stream: s, in: bufio.NewReaderSize(s, 16<<10)}
}

// Send writes one message. It fails if that takes longer than StallTimeout.
func (s *Stream) Send(m reconcile.Message) error {
	payload, err := m.Encode()
	if err != nil {
		return err
	}
	_ = s.SetWriteDeadline(time.Now().Add(StallTimeout)) // simulated streams have none
	return protocol.WriteFrame(s, payload)
}

// Receive waits at most within for the next message to begin, and then StallTimeout for
// all of the message. The error is io.EOF where the other side has closed the stream
// between two messages. It matches reconcile.ErrProtocol for what no correct program
// sends; that a message is cut or late it does not. A length comes first in a frame, and
// one above MessageBytesMax is refused before anything is allocated.
func (s *Stream) Receive(within time.Duration) (reconcile.Message, error) {
	_ = s.SetReadDeadline(time.Now().Add(within)) // simulated streams have none
	if _, err := s.in.Peek(1); err != nil {
		return reconcile.Message{}, err
	}
	_ = s.SetReadDeadline(time.Now().Add(StallTimeout)) // as above
	payload, err := protocol.ReadFrame(s.in, reconcile.MessageBytesMax)
	if _, wrong := errors.AsType[*protocol.Error](err); wrong {
		err = fmt.Errorf("%w: %w", reconcile.ErrProtocol, err)
	}
	if err != nil {
		return reconcile.Message{}, err
	}
	s.received++
	return reconcile.Decode(payload)
}

// hangUp ends a stream so that the last message arrives: a reset right after it would
// overtake it. What the other side still sends is read away, for at most
// protocol.CloseTimeout.
func (s *Stream) hangUp() {
	late := time.AfterFunc(protocol.CloseTimeout, func() { _ = s.Reset() })
	defer late.Stop()
	_ = s.CloseWrite()                  // where that fails, the reading does too
	_ = s.SetReadDeadline(time.Time{})  // the reset is the deadline
	_, err := io.Copy(io.Discard, s.in) // ends with the other side's end, or the reset
	if err != nil {
		_ = s.Reset()
		return
	}
	_ = s.Close()
}

// A streamPool has the streams of the sessions that this node begins. One a peer is
// kept open between two sessions.
type streamPool struct {
	host     host.Host
	protocol libp2pprotocol.ID
	idle     *streams.Pool[*Stream]
}

func newStreamPool(h host.Host, id libp2pprotocol.ID) *streamPool {
	closeOne := func(s *Stream) { _ = s.Close() } // the other side may have closed first
	return &streamPool{host: h, protocol: id, idle: streams.NewPool(1, idleStreamsMax, closeOne)}
}

// take returns a stream to the peer that nobody else uses, and whether the stream has
// been used before.
func (s *streamPool) take(ctx context.Context, p peer.ID) (one *Stream, used bool, err error) {
	// The stream of a connection that is closed is closed with it.
	if one, used = s.idle.Take(p); used && !one.Conn().IsClosed() {
		if !streams.Outdated(s.host, one.Conn()) {
			one.received = 0
			return one, true, nil
		}
		_ = one.Reset() // it may never be closed by the other side
	}
	ctx, cancel := context.WithTimeout(ctx, streams.DialTimeout)
	defer cancel()
	fresh, err := streams.Open(ctx, s.host, p, s.protocol)
	if err != nil {
		return nil, false, fmt.Errorf("sync with %s: %w", p, err)
	}
	return NewStream(fresh), false, nil
}
