package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	"github.com/multiformats/go-multistream"

	"github.com/citynode/citynode/protocol"
)

// dialTimeout bounds one attempt to connect. A node on the other side of the
// world with a lost packet or two takes less.
const dialTimeout = 5 * time.Second

// link is a call stream to one peer: opened when it is needed, kept, and opened
// again after it broke.
type link struct {
	host     host.Host
	protocol libp2pprotocol.ID
	peer     peer.AddrInfo
	title    string // for messages: "city gotham"
	city     string // the only city that may answer; "": any
	// find looks again where the peer is, for one that may have restarted
	// elsewhere; nil: it is where it is.
	find func(context.Context) (peer.AddrInfo, error)

	client *protocol.Client
	lost   bool // it was not at the addresses that are known
}

func (d *dispatcher) newLink(info peer.AddrInfo, title, city string) *link {
	return &link{
		host:     d.host,
		protocol: libp2pprotocol.ID(protocol.CallID(d.network)),
		peer:     info,
		title:    title,
		city:     city,
	}
}

// call runs do with a client, and again while the answer is that the city
// cannot now, or the stream breaks, until ctx ends. do must be one that can be
// repeated.
func (l *link) call(ctx context.Context, do func(context.Context, *protocol.Client) error) error {
	return retry(ctx, func() error { return l.once(ctx, do) })
}

// once is call without a second attempt.
func (l *link) once(ctx context.Context, do func(context.Context, *protocol.Client) error) error {
	client, err := l.open(ctx)
	if err != nil {
		return err
	}
	return do(ctx, client)
}

// open is a client on the stream that is open, or on a new one.
func (l *link) open(ctx context.Context) (*protocol.Client, error) {
	if l.client != nil {
		select {
		case <-l.client.Done():
			l.close()
		default:
			return l.client.City(l.city), nil
		}
	}
	if err := l.connect(ctx); err != nil {
		return nil, err
	}
	stream, err := l.host.NewStream(ctx, l.peer.ID, l.protocol)
	if err != nil {
		return nil, l.noStream(err)
	}
	l.client = protocol.NewClient(stream)
	return l.client.City(l.city), nil
}

// connect dials the peer. One that can be looked for is unavailable where it cannot
// be reached, and is looked for the next time.
func (l *link) connect(ctx context.Context) error {
	if l.lost {
		found, err := l.find(ctx)
		if err != nil {
			return err
		}
		l.peer, l.lost = found, false
	}
	err := dial(ctx, l.host, l.peer)
	switch {
	case err == nil:
		return nil
	case l.find == nil:
		return failf(exitUnreachable, "%s (%s) cannot be reached: %w", l.title, l.peer.ID, err)
	}
	l.lost = true
	return protocol.Errorf(protocol.Unavailable, "%s (%s) cannot be reached: %w", l.title, l.peer.ID, err)
}

// noStream is the error of a stream that could not be opened. What looks like
// a connection may be one to a process that is gone, so the next attempt makes
// a new one.
func (l *link) noStream(err error) error {
	if _, ok := errors.AsType[multistream.ErrNotSupported[libp2pprotocol.ID]](err); ok {
		return failf(exitUnreachable, "%s (%s) does not speak the call protocol of this network", l.title, l.peer.ID)
	}
	_ = l.host.Network().ClosePeer(l.peer.ID)
	return fmt.Errorf("open a stream to %s: %w: %w", l.title, protocol.ErrStreamClosed, err)
}

func (l *link) close() {
	if l.client != nil {
		l.client.Close()
		l.client = nil
	}
}

// dial connects to a peer, whatever went wrong with it a moment ago.
func dial(ctx context.Context, h host.Host, info peer.AddrInfo) error {
	if s, ok := h.Network().(*swarm.Swarm); ok {
		s.Backoff().Clear(info.ID)
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	return dialReason(h.Connect(ctx, info))
}
