package node

import (
	"bufio"
	"context"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/internal/reconcile"
	"github.com/citynode/citynode/protocol"
)

const (
	// syncStall is how long a session may go without progress.
	syncStall = 5 * time.Second
	// idleSyncsMax bounds the sync streams that are kept open between sessions.
	idleSyncsMax = 64
)

// syncStream carries sessions one after another, message by message. Within a
// session each message must make progress within syncStall.
type syncStream struct {
	network.Stream
	in *bufio.Reader
	// received counts messages, so that a stream that was kept too long can be
	// told from one that failed.
	received int
}

func newSyncStream(s network.Stream) *syncStream {
	return &syncStream{Stream: s, in: bufio.NewReaderSize(s, 16<<10)}
}

func (s *syncStream) send(m reconcile.Message) error {
	payload, err := m.Encode()
	if err != nil {
		return err
	}
	_ = s.SetWriteDeadline(time.Now().Add(syncStall)) // simulated streams have none
	return protocol.WriteFrame(s, payload)
}

// receive waits for the next message to begin, and then syncStall for all of it.
// The error is io.EOF where the other side has closed the stream between two
// messages.
func (s *syncStream) receive(within time.Duration) (reconcile.Message, error) {
	_ = s.SetReadDeadline(time.Now().Add(within)) // simulated streams have none
	if _, err := s.in.Peek(1); err != nil {
		return reconcile.Message{}, err
	}
	_ = s.SetReadDeadline(time.Now().Add(syncStall)) // as above
	payload, err := protocol.ReadFrame(s.in, reconcile.MessageBytesMax)
	if err != nil {
		return reconcile.Message{}, err
	}
	s.received++
	return reconcile.Decode(payload)
}

// syncStreams are the streams of sessions; one a peer is kept open between two.
type syncStreams struct {
	open func(context.Context, peer.ID) (network.Stream, error)
	idle *idle[*syncStream]
}

func newSyncStreams(n *Node) *syncStreams {
	open := func(ctx context.Context, p peer.ID) (network.Stream, error) {
		ctx, cancel := context.WithTimeout(ctx, dialTimeout)
		defer cancel()
		return n.host.NewStream(ctx, p, n.syncID)
	}
	closeOne := func(s *syncStream) { _ = s.Close() } // the other side may have closed first
	return &syncStreams{open: open, idle: newIdle(1, idleSyncsMax, closeOne)}
}

// take gives a stream to the peer that nobody else uses, and whether it has
// been used before.
func (s *syncStreams) take(ctx context.Context, p peer.ID) (stream *syncStream, used bool, err error) {
	if stream, used = s.idle.take(p); used && !stream.Conn().IsClosed() {
		stream.received = 0
		return stream, true, nil
	}
	fresh, err := s.open(ctx, p)
	if err != nil {
		return nil, false, fmt.Errorf("sync with %s: %w", p, err)
	}
	return newSyncStream(fresh), false, nil
}
