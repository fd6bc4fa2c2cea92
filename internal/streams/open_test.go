package streams

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// aged is a connection that was made at a time, which simulated ones do not tell.
type aged struct {
	network.Conn
	opened  time.Time
	limited bool
}

func (a *aged) Stat() network.ConnStats {
	return network.ConnStats{Stats: network.Stats{Opened: a.opened, Limited: a.limited}}
}

func (a *aged) NewStream(ctx context.Context) (network.Stream, error) {
	s, err := a.Conn.NewStream(ctx)
	return agedStream{s, a}, err
}

type agedStream struct {
	network.Stream
	conn *aged
}

func (s agedStream) Conn() network.Conn { return s.conn }

// agedHost has the given connections, and no others.
type agedHost struct {
	host.Host
	conns []network.Conn
}

type agedNetwork struct {
	network.Network
	conns []network.Conn
}

func (h *agedHost) Network() network.Network { return agedNetwork{h.Host.Network(), h.conns} }

func (n agedNetwork) ConnsToPeer(peer.ID) []network.Conn { return n.conns }

// twice returns a host that has an old and a new connection to another.
func twice(t *testing.T) (own *agedHost, other host.Host, old, young *aged) {
	t.Helper()
	h, other := twoHosts(t)
	// A simulated network has one connection, which stands for both.
	c := h.Network().ConnsToPeer(other.ID())[0]
	old = &aged{Conn: c, opened: time.Now().Add(-time.Minute)}
	young = &aged{Conn: c, opened: time.Now()}
	return &agedHost{h, []network.Conn{young, old}}, other, old, young
}

func echo(_ context.Context, s network.Stream) error {
	_, err := io.Copy(s, s)
	return errors.Join(err, s.Close())
}

func TestAStreamIsOpenedOnTheNewestConnection(t *testing.T) {
	own, other, old, young := twice(t)
	serves(t, other, echo)
	for fact, conns := range map[string][]network.Conn{"the newest first": {young, old}, "the newest last": {old, young}} {
		own.conns = conns
		s, err := Open(t.Context(), own, other.ID(), testProtocol)
		if err != nil {
			t.Fatal(fact, err)
		}
		if s.Conn() != network.Conn(young) || s.Protocol() != testProtocol {
			t.Errorf("%s: a stream of %s, made at %v", fact, s.Protocol(), s.Conn().Stat().Opened)
		}
		_ = s.Reset()
	}
	young.limited = true
	if newest(own, other.ID()) != nil {
		t.Error("a connection through a relay is chosen, or the only other")
	}
}

func TestOpeningAStreamOnASilentConnectionEndsWithItsContext(t *testing.T) {
	own, other, _, _ := twice(t) // the other serves nothing that agrees on a protocol
	held := make(chan network.Stream, 1)
	other.Network().SetStreamHandler(func(s network.Stream) { held <- s })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if s, err := Open(ctx, own, other.ID(), testProtocol); err == nil {
		t.Errorf("a stream of %s", s.Protocol())
	}
}

func TestAKeptStreamOfAnOlderConnectionIsNotUsedAgain(t *testing.T) {
	own, other, old, young := twice(t)
	serves(t, other, func(ctx context.Context, s network.Stream) error {
		<-ctx.Done()
		return s.Reset()
	})
	c := NewClients(own, testProtocol)
	defer c.Close()
	used := func() (on network.Conn) {
		client, _, err := c.borrow(t.Context(), other.ID())
		if err != nil {
			t.Fatal(err)
		}
		c.giveBack(other.ID(), client, false)
		return client.conn
	}
	own.conns = []network.Conn{old, &aged{Conn: young.Conn, opened: old.opened}}
	before := used()
	if again := used(); again != before {
		t.Error("of two connections that are as old one is outdated")
	}
	own.conns = []network.Conn{old, young}
	if on := used(); on != network.Conn(young) {
		t.Error("the stream of the older connection is used again")
	}
	if left := c.idle.count; left != 1 {
		t.Errorf("%d streams are kept, want 1", left)
	}
}
