package connlimit

import (
	"slices"
	"sync"

	"github.com/hashicorp/golang-lru/v2"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	ma "github.com/multiformats/go-multiaddr"
)

const (
	// knownMax bounds the peers that share the reserve, and knownAddrsMax the addresses
	// of each. Those that were noted longest ago are forgotten first.
	knownMax      = 512
	knownAddrsMax = 8
)

// Known are the peers that share the reserve, each at the IP addresses where it was seen.
// Its methods are safe for concurrent use. A nil Known notes nothing.
type Known struct {
	allowed *rcmgr.Allowlist

	mu     sync.Mutex // guards byPeer, and that allowed has what is in it
	byPeer *lru.Cache[peer.ID, []ma.Multiaddr]
}

// NewKnown returns the known peers of a resource manager, which must be libp2p's own: none
// so far.
func NewKnown(manager network.ResourceManager) *Known {
	k := &Known{allowed: rcmgr.GetAllowlist(manager)}
	byPeer, err := lru.NewWithEvict(knownMax, func(_ peer.ID, addrs []ma.Multiaddr) {
		for _, addr := range addrs {
			_ = k.allowed.Remove(addr) // fails only for what Add had refused
		}
	})
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	k.byPeer = byPeer
	return k
}

// Note takes a peer, at the IP addresses of addrs, to be known from now on. Without an IP
// address it does nothing, else it forgets where the peer was before.
func (k *Known) Note(p peer.ID, addrs []ma.Multiaddr) {
	if k == nil {
		return
	}
	var at []ma.Multiaddr
	for _, addr := range addrs {
		if one := ipOf(addr, p); one != nil && len(at) < knownAddrsMax && !ma.Contains(at, one) {
			at = append(at, one)
		}
	}
	if len(at) == 0 {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if was, ok := k.byPeer.Get(p); ok && slices.EqualFunc(was, at, ma.Multiaddr.Equal) {
		return
	}
	k.byPeer.Remove(p)
	for _, addr := range at {
		_ = k.allowed.Add(addr) // never fails for an IP address and a peer
	}
	k.byPeer.Add(p, at)
}

// ipOf returns the IP address of an address, with the peer, or nil.
func ipOf(addr ma.Multiaddr, p peer.ID) ma.Multiaddr {
	first, _ := ma.SplitFirst(addr)
	if first == nil || first.Protocol().Code != ma.P_IP4 && first.Protocol().Code != ma.P_IP6 {
		return nil
	}
	name, err := ma.NewComponent("p2p", p.String())
	if err != nil {
		return nil
	}
	return ma.Multiaddr{*first, *name}
}
