package dispatch

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/protocol"
)

// linkMax is far beyond what the calls of a test take.
const linkMax = 30 * time.Second

func newTestHost(t *testing.T, opts ...libp2p.Option) host.Host {
	t.Helper()
	h, err := libp2p.New(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h
}

// linkTo is a link to a peer that is believed to be where nobody listens.
func linkTo(t *testing.T, city host.Host) *Link {
	d := &Dispatcher{config: Config{}.withDefaults(), host: newTestHost(t, libp2p.NoListenAddrs), network: "main"}
	nowhere := peer.AddrInfo{ID: city.ID(), Addrs: []ma.Multiaddr{ma.StringCast("/ip4/127.0.0.1/tcp/1")}}
	d.ask(nowhere)
	l := d.LinkTo("gotham", nowhere)
	t.Cleanup(l.Close)
	return l
}

func TestACityThatIsNotWhereItWasIsLookedForAgain(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), linkMax)
	defer cancel()
	city := newTestHost(t, libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"))
	city.SetStreamHandler(libp2pprotocol.ID(protocol.CallID("main")), func(s network.Stream) { _ = s.Close() })
	l, looks := linkTo(t, city), 0
	l.find = func(context.Context) (peer.AddrInfo, error) {
		if looks++; looks == 1 {
			return peer.AddrInfo{}, protocol.Errorf(protocol.Unavailable, "city gotham is starting")
		}
		return peer.AddrInfo{ID: city.ID(), Addrs: city.Addrs()}, nil
	}
	if err := l.Call(ctx, func(*protocol.Client) error { return nil }); err != nil || looks != 2 {
		t.Errorf("%v, after %d looks, want 2", err, looks)
	}
}

func TestACityThatCannotBeReachedToTheEndIsUnavailableAndANodeUnreachable(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	l := linkTo(t, newTestHost(t, libp2p.NoListenAddrs))
	never := func(*protocol.Client) error { t.Error("it was reached"); return nil }
	if err := l.Call(ctx, never); !errors.Is(err, ErrUnreachable) {
		t.Errorf("%v, want ErrUnreachable", err)
	}
	l.find = func(context.Context) (peer.AddrInfo, error) { return l.Peer(), nil }
	if err := l.Call(ctx, never); !errors.Is(err, protocol.ErrUnavailable) {
		t.Errorf("%v, want protocol.ErrUnavailable", err)
	}
}

// serve has a host answer calls as the city of a name.
func serve(h host.Host, name string) {
	server := protocol.Server{City: name, Handler: newFakeCity(name)}
	h.SetStreamHandler(libp2pprotocol.ID(protocol.CallID("main")), func(s network.Stream) {
		_ = server.Serve(context.Background(), s, "a caller")
	})
}

func TestACityWhosePeerIsAnotherCityNowIsLookedForAgain(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), linkMax)
	defer cancel()
	before := newTestHost(t, libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"))
	serve(before, "metropolis")
	now := newTestHost(t, libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"))
	serve(now, "gotham")
	l := linkTo(t, before)
	l.peer.Store(&peer.AddrInfo{ID: before.ID(), Addrs: before.Addrs()})
	l.find = func(context.Context) (peer.AddrInfo, error) {
		return peer.AddrInfo{ID: now.ID(), Addrs: now.Addrs()}, nil
	}
	get := func(c *protocol.Client) error {
		_, err := c.Get(ctx, protocol.GetRequest{}, func(crdt.Entries) error { return nil })
		return err
	}
	if err := l.Call(ctx, get); err != nil || l.Peer().ID != now.ID() {
		t.Errorf("%v, from %s", err, l.Peer().ID)
	}
}
