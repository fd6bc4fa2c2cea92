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
	// resolveTimeout bounds the resolution of one name, with all names that it leads
	// to.
	resolveTimeout = 5 * time.Second
	// resolveDepthMax bounds a chain of /dnsaddr names that point to one another. The
	// swarm has the same bound.
	resolveDepthMax = 4
	// resolvedAddrsMax bounds the addresses to which one name may resolve.
	resolvedAddrsMax = 100
)

// A TXTLookup looks up the TXT records of a name. A [net.Resolver] is one.
type TXTLookup interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
}

// A Source returns the peers to dial at the time of the call.
type Source func(ctx context.Context) ([]peer.AddrInfo, error)

// A Resolver resolves /dnsaddr names to peers. The zero value asks the system.
type Resolver struct {
	TXT TXTLookup
}

// Source returns a Source that resolves addrs, which [ParsePeers] has accepted, at
// the time of its call.
func (r *Resolver) Source(addrs []ma.Multiaddr) Source {
	addrs = slices.Clone(addrs)
	return func(ctx context.Context) ([]peer.AddrInfo, error) { return r.Resolve(ctx, addrs) }
}

// Resolve returns the peers that addrs name, each once, with the addresses of all
// its items in their order. It follows names four deep, to a hundred addresses,
// for five seconds each. The error joins one for each name that led nowhere; the
// peers of the other names are returned beside it.
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
	// Anybody may have written the records of a name: only what could stand in a list of
	// peers is taken.
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

// basicResolver resolves TXT records only. The swarm resolves /dns names within
// addresses when it dials.
type basicResolver struct{ TXTLookup }

// LookupIPAddr is never called for a /dnsaddr.
func (basicResolver) LookupIPAddr(context.Context, string) ([]net.IPAddr, error) {
	return nil, errors.ErrUnsupported
}

// mergePeers returns the peers of addresses that end in /p2p, in the order of their
// first addresses.
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

// addAddr appends addr unless addrs has it already or holds addrsMax.
func addAddr(addrs []ma.Multiaddr, addr ma.Multiaddr) []ma.Multiaddr {
	if len(addrs) == addrsMax || slices.ContainsFunc(addrs, addr.Equal) {
		return addrs
	}
	return append(addrs, addr)
}
