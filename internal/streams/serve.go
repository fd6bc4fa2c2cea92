package streams

import (
	"context"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"

	"github.com/citynode/citynode/internal/loglimit"
)

// A Handler serves one stream of another peer until the stream, the handler's
// deadlines or ctx end it. It must close or reset the stream.
type Handler func(ctx context.Context, s network.Stream) error

// Serve runs the handlers of the protocols, one goroutine a stream, until ctx is
// done. Then it takes no new stream and returns nil once every handler has
// returned. A panic in a handler resets its stream and is logged.
func Serve(ctx context.Context, h host.Host, log *slog.Logger, byProtocol map[libp2pprotocol.ID]Handler) error {
	var running handlers
	for id, serve := range byProtocol {
		h.SetStreamHandler(id, running.each(ctx, log, serve))
	}
	<-ctx.Done()
	// From here on the host refuses new streams. One that it is just handing over finds
	// the door closed in enter.
	for id := range byProtocol {
		h.RemoveStreamHandler(id)
	}
	// ctx is theirs too, so none of them waits for its peer any more.
	running.wait()
	return nil
}

// handlers counts the goroutines that serve the streams of others.
type handlers struct {
	mu     sync.Mutex // guards closed, and that none is added to alive once it is set
	closed bool
	alive  sync.WaitGroup
}

// each returns the stream handler that runs serve. It is a boundary: a panic ends
// the stream and nothing else.
func (h *handlers) each(ctx context.Context, log *slog.Logger, serve Handler) network.StreamHandler {
	return func(s network.Stream) {
		if !h.enter() {
			_ = s.Reset()
			return
		}
		defer h.alive.Done()
		defer func() {
			if v := recover(); v != nil {
				log.Error("stream handler panicked", loglimit.By("peer", s.Conn().RemotePeer().String()), "panic", v, "stack", string(debug.Stack()))
				_ = s.Reset()
			}
		}()
		if err := serve(ctx, s); err != nil {
			log.Debug("stream ended", "protocol", s.Protocol(), "peer", s.Conn().RemotePeer(), "err", err)
		}
	}
}

// enter counts one more handler, unless wait has been called.
func (h *handlers) enter() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return false
	}
	h.alive.Add(1)
	return true
}

// wait refuses new handlers and returns once all have ended.
func (h *handlers) wait() {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	h.alive.Wait()
}

// SpeaksAll reports whether all wanted protocols are among those that a peer speaks.
func SpeaksAll(spoken []libp2pprotocol.ID, wanted ...libp2pprotocol.ID) bool {
	for _, id := range wanted {
		if !slices.Contains(spoken, id) {
			return false
		}
	}
	return true
}
