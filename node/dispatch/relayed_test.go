package dispatch

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/protocol"
)

// A handler answers calls.
type handler func(context.Context, *protocol.Call) (any, error)

func (f handler) ServeCall(ctx context.Context, call *protocol.Call) (any, error) {
	return f(ctx, call)
}

// lineOf is a line about a city.
func lineOf(name string, p peer.ID, status protocol.CityStatus) protocol.CityLine {
	return protocol.CityLine{
		Presence: protocol.Presence{City: name, Since: crdt.EarliestSet, Incarnation: crdt.EarliestSet, Sent: crdt.EarliestSet},
		Peer:     []byte(p), Status: status,
	}
}

func TestALookupOfACityThatIsKnownOnlyThroughAnotherEndsAtOnce(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), linkMax)
	defer cancel()
	relayed := lineOf("gotham", "peer of gotham", protocol.StatusRelayed)
	relayed.Via = []byte("peer of star")
	star, failed := lineOf("star", "peer of star", protocol.StatusAlive), lineOf("gotham", "another", protocol.StatusFailed)
	for _, row := range []struct {
		fact  string
		lines []protocol.CityLine
		ends  bool
	}{
		{"it is known only through star", []protocol.CityLine{star, relayed}, true},
		{"another holder has failed", []protocol.CityLine{failed, star, relayed}, true},
		{"another holder lives", []protocol.CityLine{relayed, star, lineOf("gotham", "another", protocol.StatusAlive)}, false},
		{"another holder is in doubt", []protocol.CityLine{relayed, star, lineOf("gotham", "another", "suspect")}, false},
		{"it has failed", []protocol.CityLine{failed, star}, false},
		{"another city is known only through star", []protocol.CityLine{star, lineOf("metropolis", "x", protocol.StatusRelayed)}, false},
	} {
		looks := 0
		server := protocol.Server{City: "fawcett", Handler: handler(func(_ context.Context, call *protocol.Call) (any, error) {
			switch call.Request.Method {
			case protocol.MethodCities:
				return protocol.CitiesReply{Cities: row.lines}, nil
			default:
				looks++
				return nil, protocol.Errorf(protocol.Unavailable, "city gotham does not answer")
			}
		})}
		node := newTestHost(t, libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"))
		node.SetStreamHandler(libp2pprotocol.ID(protocol.CallID("main")), func(s network.Stream) {
			_ = server.Serve(context.Background(), s, "a caller")
		})
		l := linkTo(t, node).dispatcher.newLink(peer.AddrInfo{ID: node.ID(), Addrs: node.Addrs()}, "the node", "")
		t.Cleanup(l.Close)
		ctx, stop := context.WithTimeout(ctx, 500*time.Millisecond)
		_, err := l.Lookup(ctx, "gotham")
		stop()
		found, isRelayed := errors.AsType[*RelayedError](err)
		switch {
		case !row.ends && (isRelayed || looks < 2 || !errors.Is(err, protocol.ErrUnavailable)):
			t.Errorf("%s: after %d looks: %v", row.fact, looks, err)
		case row.ends && (!isRelayed || looks != 1 || Transient(err)):
			t.Errorf("%s: after %d looks: %v", row.fact, looks, err)
		case row.ends && (found.Peer != "peer of gotham" || found.Via != "star" || !strings.Contains(err.Error(), "only through star")):
			t.Errorf("%s: %+v", row.fact, found)
		}
	}
}
