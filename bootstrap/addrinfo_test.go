package bootstrap

import (
	"slices"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

func TestReadAddrInfoSkipsAddressesThatItDoesNotKnow(t *testing.T) {
	id, err := peer.Decode(peerA)
	if err != nil {
		t.Fatal(err)
	}
	tcp, quic := ma.StringCast("/ip4/192.0.2.1/tcp/1"), ma.StringCast("/ip6/2001:db8::1/udp/1/quic-v1")
	info, err := ReadAddrInfo([]byte(id), [][]byte{
		{0xff, 0xff, 0x03, 1, 2}, // a protocol code that stands for nothing
		tcp.Bytes(),
		nil,
		tcp.Bytes()[:3], // cut
		slices.Concat(tcp.Bytes(), []byte{0xff, 0xff, 0x03}),
		quic.Bytes(),
	})
	if err != nil || info.ID != id || !slices.EqualFunc(info.Addrs, []ma.Multiaddr{tcp, quic}, ma.Multiaddr.Equal) {
		t.Errorf("got %v, %v", info, err)
	}
}

func TestReadAddrInfoRefusesABadPeerID(t *testing.T) {
	for _, id := range [][]byte{nil, {}, {1}, []byte("gotham")} {
		if info, err := ReadAddrInfo(id, nil); err == nil {
			t.Errorf("%q is taken for %v", id, info)
		}
	}
}

func FuzzReadAddrInfo(f *testing.F) {
	id, err := peer.Decode(peerA)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(id), ma.StringCast("/ip4/192.0.2.1/tcp/1").Bytes())
	f.Add([]byte(id), []byte{0xff, 0xff, 0x03})
	f.Fuzz(func(t *testing.T, id, addr []byte) {
		info, err := ReadAddrInfo(id, [][]byte{addr})
		if err == nil && (info.ID != peer.ID(id) || len(info.Addrs) > 1) {
			t.Errorf("got %v", info)
		}
		_ = info.String() // what was read can be shown
	})
}
