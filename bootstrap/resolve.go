package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	ma "github.com/multiformats/go-multiaddr"
	madns "github.com/multiformats/go-multiaddr-dns"
)

const (
	// resolveTimeout bounds one name with all that it leads to.
	resolveTimeout = 5 * time.Second
	// resolveDepthMax bounds how often a /dnsaddr may point to another, as the
	// swarm does.
	resolveDepthMax = 4
	// resolvedAddrsMax bounds the addresses that one name may give.
	resolvedAddrsMax = 100
)

// A TXTLookup gives the TXT records of a name; [net.Resolver] is one.
type TXTLookup interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
}

// A Source gives peers to dial, as they are now.
type Source func(ctx context.Context) ([]peer.AddrInfo, error)

// A Resolver turns /dnsaddr names into peers. The zero value asks the system.
type Resolver struct {
	TXT TXTLookup
}

// Source gives what addrs, which [ParsePeers] accepted, resolve to at the time
// of the call.
func (r *Resolver) Source(addrs []ma.Multiaddr) Source {
	addrs = slices.Clone(addrs)
	return func(ctx context.Context) ([]peer.AddrInfo, error) { return r.Resolve(ctx, addrs) }
}

// Resolve gives the peers that addrs name, each once, with the addresses of all
// its items in their order. Names are followed four deep, to a hundred
// addresses, for five seconds each. What could be resolved is given back even
// where the error, which joins one for each name that led nowhere, is not nil.
func (r *Resolver) Resolve(ctx context.Context, addrs []ma.Multiaddr) ([]peer.AddrInfo, error) {
	var errs []error
	var found []ma.Multiaddr
	for _, addr := range addrs {
		if !isDNSAddr(addr) {
			found = append(found, addr)
			continue
		}
		resolved, err := r.resolveName(ctx, addr)
		if err != nil {
			errs = append(errs, fmt.Errorf("resolve %s: %w", addr, err))
		}
		found = append(found, resolved...)
	}
	return mergePeers(found), errors.Join(errs...)
}

func (r *Resolver) resolveName(ctx context.Context, addr ma.Multiaddr) ([]ma.Multiaddr, error) {
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	dns, err := madns.NewResolver(madns.WithDefaultResolver(basicResolver{r.txt()}))
	if err != nil {
		return nil, err
	}
	_, id := peer.SplitAddr(addr)
	resolved, err := swarm.ResolverFromMaDNS{Resolver: dns}.ResolveDNSAddr(ctx, id, addr, resolveDepthMax, resolvedAddrsMax)
	if err != nil {
		return nil, err
	}
	resolved = slices.DeleteFunc(resolved, func(a ma.Multiaddr) bool { return isDNSAddr(a) || checkPeer(a) != nil })
	if len(resolved) == 0 {
		return nil, errors.New("its TXT records name no peer that can be dialed (they should read dnsaddr=/ip4/…/p2p/PEERID)")
	}
	return resolved, nil
}

func (r *Resolver) txt() TXTLookup {
	if r == nil || r.TXT == nil {
		return net.DefaultResolver
	}
	return r.TXT
}

// basicResolver resolves TXT records only: /dns names within addresses are left
// to the swarm, which resolves them when it dials.
type basicResolver struct{ TXTLookup }

// LookupIPAddr is never called for a /dnsaddr.
func (basicResolver) LookupIPAddr(context.Context, string) ([]net.IPAddr, error) {
	return nil, errors.ErrUnsupported
}

// mergePeers groups addresses by peer, in order of first appearance. Each ends
// in /p2p.
func mergePeers(addrs []ma.Multiaddr) []peer.AddrInfo {
	var infos []peer.AddrInfo
	index := make(map[peer.ID]int)
	for _, addr := range addrs {
		transport, id := peer.SplitAddr(addr)
		if id == "" {
			continue
		}
		i, known := index[id]
		if !known {
			i = len(infos)
			index[id] = i
			infos = append(infos, peer.AddrInfo{ID: id})
		}
		infos[i].Addrs = addAddr(infos[i].Addrs, transport)
	}
	return infos
}

// addAddr appends addr unless it is there already or there are addrsMax.
func addAddr(addrs []ma.Multiaddr, addr ma.Multiaddr) []ma.Multiaddr {
	if len(addrs) == addrsMax || slices.ContainsFunc(addrs, addr.Equal) {
		return addrs
	}
	return append(addrs, addr)
}
