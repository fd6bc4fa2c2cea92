package twins

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/core/transport"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/multiformats/go-multistream"

	"github.com/citynode/citynode/protocol"
)

// askTimeout bounds one dial with its question. A twin that takes longer is dialed again
// for the next reason.
const askTimeout = 3 * time.Second

// A Link is a connection to another process with the own key. No swarm knows it: a host
// does not connect to itself. So a transport of the host has dialed it, and whoever has it
// opens its streams.
type Link struct {
	transport.CapableConn
	// Addr is the address that was dialed, Info what the process there said.
	Addr ma.Multiaddr
	Info protocol.InfoReply
}

// A dialer is the network of a host with transports. One in memory has none.
type dialer interface {
	TransportForDialing(ma.Multiaddr) transport.Transport
}

var errNoTransport = errors.New("no transport dials this address")

// Dial connects to the process with the own key at an address and asks who it is. The
// handshake proves the key; the caller closes the link.
func (w *Watch) Dial(ctx context.Context, addr ma.Multiaddr) (link *Link, err error) {
	network, ok := w.cfg.Host.Network().(dialer)
	if !ok {
		return nil, errNoTransport
	}
	t := network.TransportForDialing(addr)
	if t == nil {
		return nil, errNoTransport
	}
	conn, err := t.Dial(ctx, addr, w.cfg.Host.ID())
	if err != nil {
		return nil, err
	}
	link = &Link{CapableConn: conn, Addr: addr}
	stream, err := link.Open(ctx, w.cfg.Protocol)
	if err == nil {
		client := protocol.NewClient(stream)
		link.Info, err = client.Info(ctx)
		_ = client.Close() // always nil
	}
	if err == nil && link.Info.Network != w.cfg.Network {
		err = fmt.Errorf("it is of network %q", link.Info.Network)
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return link, nil
}

// Open opens a stream of a protocol, which ends with the link at the latest.
func (l *Link) Open(ctx context.Context, id libp2pprotocol.ID) (network.MuxedStream, error) {
	stream, err := l.OpenStream(ctx)
	if err != nil {
		return nil, err
	}
	defer context.AfterFunc(ctx, func() { _ = stream.Reset() })()
	if err := multistream.SelectProtoOrFail(id, stream); err != nil {
		return nil, errors.Join(err, stream.Reset())
	}
	return stream, nil
}
