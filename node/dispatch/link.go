package dispatch

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"
	"github.com/multiformats/go-multistream"

	"github.com/citynode/citynode/protocol"
)

// A Link is a call stream to one peer: opened when it is needed, kept, and opened
// again after it broke. Its methods are safe for concurrent use; calls share the
// stream and are answered in the order in which they were made.
type Link struct {
	dispatcher *Dispatcher
	peer       atomic.Pointer[peer.AddrInfo]
	title      string // for messages: "city gotham"
	city       string // the only city that may answer; "": any
	// find looks again where the peer is, for one that may have restarted
	// elsewhere; nil: the address that is known is all there is.
	find func(context.Context) (peer.AddrInfo, error)

	// stream is held while client, at and lost are read or changed. It is no mutex,
	// for its holder waits for the network, and ctx ends the wait of the others.
	stream chan struct{}
	client *protocol.Client
	at     peer.ID // to whom the client leads
	lost   bool    // the peer was not at the addresses that are known
}

// LinkTo returns a new link to a peer that is believed to be the city of that
// name. The caller closes the link.
func (d *Dispatcher) LinkTo(name string, info peer.AddrInfo) *Link {
	return d.newLink(info, "city "+name, name)
}

func (d *Dispatcher) newLink(info peer.AddrInfo, title, city string) *Link {
	l := &Link{dispatcher: d, title: title, city: city, stream: make(chan struct{}, 1)}
	l.peer.Store(&info)
	return l
}

// Clone returns a link to the same peer with a stream of its own, for calls that
// take long. The caller closes it.
func (l *Link) Clone() *Link { return l.dispatcher.newLink(l.Peer(), l.title, l.city) }

// Peer returns who is called, and where it was last found.
func (l *Link) Peer() peer.AddrInfo { return *l.peer.Load() }

// String returns what the link leads to, for messages: "city gotham", "the node".
func (l *Link) String() string { return l.title }

// Call runs do with a client until do succeeds, as [Dispatcher.Call] does.
func (l *Link) Call(ctx context.Context, do func(*protocol.Client) error) error {
	if l.find == nil {
		return Retry(ctx, func() error { return l.Once(ctx, do) })
	}
	a := &attempts{link: l, do: do}
	return l.dispatcher.unlessSilent(ctx, l.city, a.sentTo, l.Close, func(ctx context.Context) error {
		return Retry(ctx, func() error { return a.once(ctx) })
	})
}

// onceUnlessSilent does what Call does, without a second attempt.
func (l *Link) onceUnlessSilent(ctx context.Context, do func(*protocol.Client) error) error {
	if l.find == nil {
		return l.Once(ctx, do)
	}
	a := &attempts{link: l, do: do}
	return l.dispatcher.unlessSilent(ctx, l.city, a.sentTo, l.Close, a.try)
}

// lose has the peer looked for before the next call, for another city answers.
func (l *Link) lose() {
	l.stream <- struct{}{}
	l.end()
	l.lost = true
	<-l.stream
}

// Once does what Call does, without a second attempt.
func (l *Link) Once(ctx context.Context, do func(*protocol.Client) error) error {
	client, err := l.open(ctx)
	if err != nil {
		return err
	}
	return do(client)
}

// open returns a client on the stream that is open, or on a new one.
func (l *Link) open(ctx context.Context) (*protocol.Client, error) {
	client, _, err := l.openAt(ctx)
	return client, err
}

// Open opens the stream, if it is not open.
func (l *Link) Open(ctx context.Context) error {
	_, err := l.open(ctx)
	return err
}

// openAt does what open does, and returns which peer the client leads to.
func (l *Link) openAt(ctx context.Context) (*protocol.Client, peer.ID, error) {
	select {
	case l.stream <- struct{}{}:
		defer func() { <-l.stream }()
	case <-ctx.Done():
		return nil, "", ctx.Err()
	}
	// After the wait: Close may have ended the host meanwhile, and ends the streams
	// that were open by then.
	if l.dispatcher.closed.Load() {
		return nil, "", ErrClosed
	}
	if l.client != nil {
		select {
		case <-l.client.Done():
			l.end()
		default:
			return l.client.City(l.city), l.at, nil
		}
	}
	if err := l.connect(ctx); err != nil {
		return nil, "", err
	}
	id := libp2pprotocol.ID(protocol.CallID(l.dispatcher.network))
	stream, err := l.dispatcher.host.NewStream(ctx, l.Peer().ID, id)
	if err != nil {
		return nil, "", l.noStream(err)
	}
	l.client, l.at = protocol.NewClient(stream), stream.Conn().RemotePeer()
	return l.client.City(l.city), l.at, nil
}

// connect dials the peer. A peer that can be looked for is unavailable where it
// cannot be reached, and is looked for the next time.
func (l *Link) connect(ctx context.Context) error {
	if l.lost {
		found, err := l.find(ctx)
		if err != nil {
			return err
		}
		l.peer.Store(&found)
		l.lost = false
	}
	err := l.dispatcher.dial(ctx, l.Peer())
	switch {
	case err == nil:
		return nil
	case l.find == nil:
		return unreachable("%s (%s) cannot be reached: %w", l.title, l.Peer().ID, err)
	}
	l.lost = true
	return protocol.Errorf(protocol.Unavailable, "%s (%s) cannot be reached: %w", l.title, l.Peer().ID, err)
}

// noStream returns the error of a stream that could not be opened. What looks
// like a connection may be one to a process that is gone, so the next attempt
// makes a new one.
func (l *Link) noStream(err error) error {
	if _, ok := errors.AsType[multistream.ErrNotSupported[libp2pprotocol.ID]](err); ok {
		return unreachable("%s (%s) does not speak the call protocol of this network", l.title, l.Peer().ID)
	}
	_ = l.dispatcher.host.Network().ClosePeer(l.Peer().ID)
	return fmt.Errorf("open a stream to %s: %w: %w", l.title, protocol.ErrStreamClosed, err)
}

// Close ends the stream and the calls on it. A later call opens another.
func (l *Link) Close() {
	l.stream <- struct{}{}
	l.end()
	<-l.stream
}

func (l *Link) end() {
	if l.client != nil {
		_ = l.client.Close() // always nil
		l.client = nil
	}
}
