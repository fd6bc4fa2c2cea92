package node

import (
	"bufio"
	"context"
	"fmt"
	"sync"
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

// syncStreams keeps one idle stream a peer for the next session, for a new
// stream costs a round trip.
type syncStreams struct {
	open func(context.Context, peer.ID) (network.Stream, error)

	mu   sync.Mutex // guards idle
	idle map[peer.ID]*syncStream
}

func newSyncStreams(n *Node) *syncStreams {
	open := func(ctx context.Context, p peer.ID) (network.Stream, error) {
		ctx, cancel := context.WithTimeout(ctx, dialTimeout)
		defer cancel()
		return n.host.NewStream(ctx, p, n.syncID)
	}
	return &syncStreams{open: open, idle: make(map[peer.ID]*syncStream)}
}

// take gives a stream to the peer that nobody else uses, and whether it has
// been used before.
func (s *syncStreams) take(ctx context.Context, p peer.ID) (stream *syncStream, used bool, err error) {
	s.mu.Lock()
	stream, used = s.idle[p]
	delete(s.idle, p)
	s.mu.Unlock()
	if used && !stream.Conn().IsClosed() {
		stream.received = 0
		return stream, true, nil
	}
	fresh, err := s.open(ctx, p)
	if err != nil {
		return nil, false, fmt.Errorf("sync with %s: %w", p, err)
	}
	return newSyncStream(fresh), false, nil
}

// giveBack keeps a stream between two sessions for the next one, or closes it.
func (s *syncStreams) giveBack(p peer.ID, stream *syncStream) {
	s.mu.Lock()
	_, have := s.idle[p]
	room := !have && len(s.idle) < idleSyncsMax
	if room {
		s.idle[p] = stream
	}
	s.mu.Unlock()
	if !room {
		_ = stream.Close() // the other side may have closed first
	}
}

// closeIdle closes what is idle.
func (s *syncStreams) closeIdle() {
	s.mu.Lock()
	idle := s.idle
	s.idle = make(map[peer.ID]*syncStream)
	s.mu.Unlock()
	for _, stream := range idle {
		_ = stream.Close() // it is not used any more
	}
}
