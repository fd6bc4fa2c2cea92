package streams

import (
	"context"
	"fmt"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"
	"github.com/multiformats/go-multistream"
)

// Open opens a stream of a protocol to a peer, on the newest connection to it. It dials where
// there is none.
//
// A peer connects a second time because its process is a new one, or because it was cut off:
// then nothing comes back on the older connection, which over QUIC nobody notices for 30 s.
// libp2p by itself takes the connection that has the most streams, which is the older one.
func Open(ctx context.Context, h host.Host, p peer.ID, id libp2pprotocol.ID) (network.Stream, error) {
	conn := newest(h, p)
	if conn == nil {
		return h.NewStream(ctx, p, id)
	}
	s, err := conn.NewStream(ctx)
	if err != nil {
		return nil, fmt.Errorf("open a stream: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = s.Reset() })
	defer stop()
	if err = s.SetProtocol(id); err == nil {
		err = multistream.SelectProtoOrFail(id, s)
	}
	if err != nil {
		_ = s.Reset() // nobody uses it
		return nil, fmt.Errorf("agree on protocol %s: %w", id, err)
	}
	return s, nil
}

// Outdated reports whether the peer has made a newer connection than c, which streams that
// were kept are to make way for.
func Outdated(h host.Host, c network.Conn) bool {
	newer := newest(h, c.RemotePeer())
	return newer != nil && newer.Stat().Opened.After(c.Stat().Opened)
}

// newest returns the newest of a peer's connections, nil where there is no choice: where there
// are fewer than two that go to the peer without a relay.
func newest(h host.Host, p peer.ID) (last network.Conn) {
	direct := 0
	for _, c := range h.Network().ConnsToPeer(p) {
		if c.IsClosed() || c.Stat().Limited {
			continue
		}
		direct++
		if last == nil || c.Stat().Opened.After(last.Stat().Opened) {
			last = c
		}
	}
	if direct < 2 {
		return nil
	}
	return last
}
