package dispatch

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/citynode/citynode/protocol"
)

// ends are the two ends of a connection.
type ends struct {
	network.Conn
	here, there ma.Multiaddr
}

func (c ends) LocalMultiaddr() ma.Multiaddr  { return c.here }
func (c ends) RemoteMultiaddr() ma.Multiaddr { return c.there }

func TestWhoIsFarAwayTellsOfNoAddressNearby(t *testing.T) {
	const loopback, private, public = "/ip4/127.0.0.1/tcp/22", "/ip4/192.168.1.1/tcp/80", "/ip4/8.8.8.8/tcp/1"
	told := []ma.Multiaddr{ma.StringCast(loopback), ma.StringCast(private), ma.StringCast(public)}
	for there, want := range map[string][]string{
		"/ip4/9.9.9.9/tcp/1":     {public},
		"/ip6/2620:fe::fe/tcp/1": {public},
		"/ip4/192.168.1.7/tcp/1": {private, public},
		"/ip4/192.168.1.5/tcp/1": {loopback, private, public}, // this machine
		"/ip4/127.0.0.1/tcp/1":   {loopback, private, public},
	} {
		node := []network.Conn{ends{here: ma.StringCast("/ip4/192.168.1.5/tcp/7"), there: ma.StringCast(there)}}
		var got []string
		for _, addr := range believable(told, node) {
			got = append(got, addr.String())
		}
		if !slices.Equal(got, want) {
			t.Errorf("from %s: %v, want %v", there, got, want)
		}
	}
}

// A tattler answers each lookup with one peer at many addresses.
type tattler struct{ addrs [][]byte }

func (a tattler) ServeCall(_ context.Context, call *protocol.Call) (any, error) {
	var r protocol.LookupRequest
	if err := call.Decode(&r); err != nil {
		return nil, err
	}
	return protocol.LookupReply{Peer: []byte(call.Caller), Addrs: a.addrs}, nil
}

func TestOfOneCityAFewAddressesAreTaken(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), linkMax)
	defer cancel()
	var told tattler
	for n := range 10 * addrsMax {
		told.addrs = append(told.addrs, ma.StringCast(fmt.Sprintf("/ip4/8.8.8.%d/tcp/1", n)).Bytes())
	}
	node := newTestHost(t, libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"))
	node.SetStreamHandler(libp2pprotocol.ID(protocol.CallID("main")), func(s network.Stream) {
		server := protocol.Server{City: "gotham", Handler: told}
		_ = server.Serve(ctx, s, string(s.Conn().RemotePeer())) // ends with the stream
	})
	l := linkTo(t, node)
	l.peer.Store(&peer.AddrInfo{ID: node.ID(), Addrs: node.Addrs()})
	found, err := l.Lookup(ctx, "metropolis")
	if err != nil || len(found.Addrs) != addrsMax {
		t.Errorf("%d addresses of %d are taken, %v, want %d", len(found.Addrs), len(told.addrs), err, addrsMax)
	}
}
