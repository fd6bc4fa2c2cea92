package node

import (
	"context"
	"log/slog"
	"runtime/debug"
	"sync"

	"github.com/libp2p/go-libp2p/core/network"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"
)

// handlers are the goroutines that serve the streams of others. Each has ended
// when wait returns.
type handlers struct {
	mu     sync.Mutex // guards closed, and that none is added once it is set
	closed bool
	alive  sync.WaitGroup
}

// serveStreams answers the calls and syncs of others until ctx is done. It goes
// on over crashes of the city, so that callers can be told of them.
func (n *Node) serveStreams(ctx context.Context) error {
	var running handlers
	byProtocol := map[libp2pprotocol.ID]func(context.Context, network.Stream) error{
		n.clients.callID: n.serveCalls,
		n.syncID:         n.entropy.respond,
	}
	for id, serve := range byProtocol {
		n.host.SetStreamHandler(id, running.each(ctx, n.log, serve))
	}
	<-ctx.Done()
	for id := range byProtocol {
		n.host.RemoveStreamHandler(id)
	}
	running.wait()
	return nil
}

// serveCalls answers the calls of one stream.
func (n *Node) serveCalls(ctx context.Context, s network.Stream) error {
	return n.callServer.Serve(ctx, s, string(s.Conn().RemotePeer()))
}

// each is a stream handler that runs serve, which must close or reset the
// stream. It is a boundary: a panic ends the stream and nothing else.
func (h *handlers) each(
	ctx context.Context,
	log *slog.Logger,
	serve func(context.Context, network.Stream) error,
) network.StreamHandler {
	return func(s network.Stream) {
		if !h.enter() {
			_ = s.Reset()
			return
		}
		defer h.alive.Done()
		defer func() {
			if v := recover(); v != nil {
				log.Error("stream handler panicked", "peer", s.Conn().RemotePeer(), "panic", v, "stack", string(debug.Stack()))
				_ = s.Reset()
			}
		}()
		if err := serve(ctx, s); err != nil {
			log.Debug("stream ended", "protocol", s.Protocol(), "peer", s.Conn().RemotePeer(), "err", err)
		}
	}
}

func (h *handlers) enter() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return false
	}
	h.alive.Add(1)
	return true
}

func (h *handlers) wait() {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	h.alive.Wait()
}
