package connlimit

import (
	"fmt"
	"testing"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/test"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	ma "github.com/multiformats/go-multiaddr"
)

// newManager returns a resource manager with room for one connection of strangers and one
// of the reserve.
func newManager(t *testing.T) network.ResourceManager {
	t.Helper()
	one := rcmgr.ResourceLimits{Conns: 1, ConnsInbound: 1, FD: 1}
	limits := rcmgr.PartialLimitConfig{System: one, Transient: one, AllowlistedSystem: one, AllowlistedTransient: one}
	m, err := rcmgr.NewResourceManager(rcmgr.NewFixedLimiter(limits.Build(rcmgr.DefaultLimits.AutoScale())), rcmgr.WithMetricsDisabled())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() }) // always nil
	return m
}

// connects reports whether a peer can connect from an address.
func connects(t *testing.T, m network.ResourceManager, p peer.ID, addr string) bool {
	t.Helper()
	scope, err := m.OpenConnection(network.DirInbound, true, ma.StringCast(addr))
	if err != nil {
		return false
	}
	if err := scope.SetPeer(p); err != nil {
		scope.Done()
		return false
	}
	t.Cleanup(scope.Done)
	return true
}

func newPeer(t *testing.T) peer.ID {
	t.Helper()
	p, err := test.RandPeerID()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAKnownPeerGetsInWhereStrangersHaveTakenAll(t *testing.T) {
	m := newManager(t)
	k := NewKnown(m)
	friend, stranger := newPeer(t), newPeer(t)
	k.Note(friend, []ma.Multiaddr{ma.StringCast("/ip4/10.0.0.1/tcp/1"), ma.StringCast("/ip4/10.0.0.2/udp/1/quic-v1")})
	if !connects(t, m, stranger, "/ip4/10.9.9.9/tcp/5") || connects(t, m, stranger, "/ip4/10.9.9.8/tcp/5") {
		t.Fatal("strangers have not taken all there is")
	}
	if connects(t, m, stranger, "/ip4/10.0.0.2/tcp/5") {
		t.Error("a stranger gets in for an address of another")
	}
	if !connects(t, m, friend, "/ip4/10.0.0.2/tcp/5") {
		t.Error("a known peer is refused")
	}
}

func TestAPeerIsKnownWhereItWasLast(t *testing.T) {
	k := NewKnown(newManager(t))
	p := newPeer(t)
	was, is := ma.StringCast("/ip4/10.0.0.1/tcp/1"), ma.StringCast("/ip4/10.0.0.2/tcp/1")
	k.Note(p, []ma.Multiaddr{was})
	k.Note(p, []ma.Multiaddr{is})
	k.Note(p, []ma.Multiaddr{ma.StringCast("/dns4/example.org/tcp/1")}) // says nothing of an IP address
	if k.allowed.AllowedPeerAndMultiaddr(p, was) || !k.allowed.AllowedPeerAndMultiaddr(p, is) {
		t.Error("it is known where it was before")
	}
	var none *Known
	none.Note(p, []ma.Multiaddr{is}) // on a host of the program's
}

func TestKnownPeersAndTheirAddressesAreBounded(t *testing.T) {
	k := NewKnown(newManager(t))
	first := newPeer(t)
	var many []ma.Multiaddr
	for n := range 2 * knownAddrsMax {
		many = append(many, ma.StringCast(fmt.Sprintf("/ip4/10.0.0.%d/tcp/1", n)))
	}
	k.Note(first, many)
	if k.allowed.AllowedPeerAndMultiaddr(first, many[knownAddrsMax]) {
		t.Error("a peer has as many addresses as it likes")
	}
	for range knownMax {
		k.Note(newPeer(t), many[:1])
	}
	if k.allowed.AllowedPeerAndMultiaddr(first, many[0]) {
		t.Error("as many peers are known as like to be")
	}
}
