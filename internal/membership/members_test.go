package membership

import (
	"fmt"
	"testing"

	"github.com/libp2p/go-libp2p/core/peerstore"
	mocknet "github.com/libp2p/go-libp2p/p2p/net/mock"
	ma "github.com/multiformats/go-multiaddr"
)

func TestOfAPeerAFewAddressesAreToldWhereItWasFirst(t *testing.T) {
	net, err := mocknet.FullMeshLinked(2)
	if err != nil {
		t.Fatal(err)
	}
	defer net.Close()
	here, there := net.Hosts()[0], net.Hosts()[1]
	if _, err := net.ConnectPeers(here.ID(), there.ID()); err != nil {
		t.Fatal(err)
	}
	for n := range 10 * addrsToldMax {
		here.Peerstore().AddAddr(there.ID(), ma.StringCast(fmt.Sprintf("/ip4/8.8.8.%d/tcp/1", n)), peerstore.PermanentAddrTTL)
	}
	m := &Members{cfg: Config{Host: here}}
	got := m.AddrInfo(there.ID()).Addrs
	was := here.Network().ConnsToPeer(there.ID())[0].RemoteMultiaddr()
	if len(got) != addrsToldMax || !got[0].Equal(was) {
		t.Errorf("%d addresses, the first %v, want %d, and %v", len(got), got[0], addrsToldMax, was)
	}
}
