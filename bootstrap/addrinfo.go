package bootstrap

import (
	"fmt"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// ReadAddrInfo returns the peer whose ID has the bytes id, with the addresses
// of which addrs holds the bytes, as an answer to a lookup has them. It skips
// what it cannot read: an address of a kind that this program does not know must
// not hide the addresses that it knows. Only a bad peer ID is an error. The
// result shares no memory with the arguments.
func ReadAddrInfo(id []byte, addrs [][]byte) (peer.AddrInfo, error) {
	p, err := peer.IDFromBytes(id)
	if err != nil {
		return peer.AddrInfo{}, fmt.Errorf("peer ID: %w", err)
	}
	info := peer.AddrInfo{ID: p}
	for _, b := range addrs {
		if addr, err := ma.NewMultiaddrBytes(b); err == nil {
			info.Addrs = append(info.Addrs, addr)
		}
	}
	return info, nil
}
