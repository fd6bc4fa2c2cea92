package connlimit

import (
	"log/slog"
	"testing"

	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// rawConn is a connection that somebody has made from an address.
type rawConn struct {
	manet.Conn
	from   ma.Multiaddr
	closed bool
}

func rawFrom(addr string) *rawConn { return &rawConn{from: ma.StringCast(addr)} }

func (c *rawConn) RemoteMultiaddr() ma.Multiaddr { return c.from }
func (c *rawConn) Close() error                  { c.closed = true; return nil }

// A household has a /56 of IPv6 for itself, so an address of it is nobody's alone.
func TestAHostIsAnAddressOfIPv4OrA56OfIPv6(t *testing.T) {
	for _, row := range []struct {
		a, b string
		same bool
	}{
		{"/ip4/10.0.0.1/tcp/1", "/ip4/10.0.0.1/tcp/2", true},
		{"/ip4/10.0.0.1/tcp/1", "/ip4/10.0.0.2/tcp/1", false},
		{"/ip6/2001:db8:0:1::1/tcp/1", "/ip6/2001:db8:0:ff::2/tcp/1", true},
		{"/ip6/2001:db8:0:1::1/tcp/1", "/ip6/2001:db8:0:100::1/tcp/1", false},
		{"/ip4/10.0.0.1/tcp/1", "/ip6/::ffff:10.0.0.1/tcp/1", true},
	} {
		if a, b := hostOf(rawFrom(row.a)), hostOf(rawFrom(row.b)); (a == b) != row.same {
			t.Errorf("%s is of %v, %s of %v", row.a, a, row.b, b)
		}
	}
}

func TestAConnectionThatTheHostHasNoRoomForLeavesNothingBehind(t *testing.T) {
	d := NewDoor(Shares{Silent: 10, SilentPerHost: 10}, slog.New(slog.DiscardHandler))
	l := &listener{upgrader: &upgrader{door: d, resources: newManager(t)}} // which has room for one
	first, second := rawFrom("/ip4/10.0.0.1/tcp/1"), rawFrom("/ip4/10.0.0.2/tcp/1")
	admitted, scope := l.admit(first)
	if admitted == nil || first.closed {
		t.Fatal("the first is refused")
	}
	if refused, _ := l.admit(second); refused != nil || !second.closed {
		t.Error("the second is admitted")
	}
	if d.silents.count != 1 {
		t.Errorf("%d connections are watched, want the first alone", d.silents.count)
	}
	scope.Done()
	_ = admitted.Close() // always nil
	if d.silents.count != 0 {
		t.Errorf("%d connections are watched after all have ended", d.silents.count)
	}
}
