package bootstrap

import (
	"fmt"
	"slices"
	"testing"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	ma "github.com/multiformats/go-multiaddr"
)

// addressed is a host with an address of its own and connections from others, as far as
// the filter asks for them.
type addressed struct {
	host.Host
	own   ma.Multiaddr
	links talks
}

func (h addressed) Addrs() []ma.Multiaddr    { return []ma.Multiaddr{h.own} }
func (h addressed) Network() network.Network { return h.links }

type talks struct {
	network.Network
	from []network.Conn
}

func (l talks) Conns() []network.Conn { return l.from }

type connFrom struct {
	network.Conn
	remote ma.Multiaddr
}

func (c connFrom) RemoteMultiaddr() ma.Multiaddr { return c.remote }

func texts(addrs []ma.Multiaddr) (all []string) {
	for _, a := range addrs {
		all = append(all, a.String())
	}
	return all
}

func TestPrivateAddressesAreNotTakenFromADHTWithPublicPeers(t *testing.T) {
	const own, private, public = "/ip4/192.168.1.5/tcp/1", "/ip4/192.168.1.1/tcp/80", "/ip4/8.8.8.8/tcp/1"
	told := []ma.Multiaddr{ma.StringCast(private), ma.StringCast(public), ma.StringCast("/ip4/127.0.0.1/tcp/22"), ma.StringCast(own)}
	for fact, row := range map[string]struct {
		from string
		want []string
	}{
		"a public peer":         {"/ip4/9.9.9.9/tcp/1", []string{public, own}},
		"only its own network":  {"/ip4/192.168.1.7/tcp/1", []string{private, public, own}},
		"only the same machine": {"/ip4/127.0.0.1/tcp/1", []string{private, public, own}},
	} {
		h := addressed{own: ma.StringCast(own), links: talks{from: []network.Conn{connFrom{remote: ma.StringCast(row.from)}}}}
		if got := texts(addrsTold(h)(told)); !slices.Equal(got, row.want) {
			t.Errorf("%s: %v, want %v", fact, got, row.want)
		}
	}
}

func TestOfOnePeerAFewAddressesAreTakenFromTheDHT(t *testing.T) {
	var told []ma.Multiaddr
	for n := range 10 * addrsToldMax {
		told = append(told, ma.StringCast(fmt.Sprintf("/ip4/8.8.8.%d/tcp/1", n)))
	}
	h := addressed{own: ma.StringCast("/ip4/127.0.0.1/tcp/1")}
	if got := addrsTold(h)(told); len(got) != addrsToldMax {
		t.Errorf("%d of %d, want %d", len(got), len(told), addrsToldMax)
	}
}
