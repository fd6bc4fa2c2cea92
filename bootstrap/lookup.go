package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

const (
	// lookupTimeout bounds a lookup whose caller is more patient: a walk through
	// the DHT, and a few rounds of candidates that do not answer.
	lookupTimeout = 20 * time.Second
	// candidatesMax bounds the providers of one name that are tried. A name has
	// one city; more are liars and the dead.
	candidatesMax = 32
	// candidatesAtOnce bounds those that are tried at the same time.
	candidatesAtOnce = 8
	// candidateTimeout bounds the dial and the verification of one.
	candidateTimeout = 5 * time.Second
)

// ErrNameNotFound is matched by the error of a lookup that verified nobody.
var ErrNameNotFound = errors.New("no city of that name answers")

// A Verifier asks a connected peer whether it is the city that is looked for;
// nil means yes. It ends when its context does.
type Verifier = func(context.Context, peer.AddrInfo) error

// Lookup gives the peer that verify first accepts of those that provide the
// name in the DHT, with the addresses at which it can be dialed. It connects to
// up to eight candidates at once, each for at most 5 s, tries at most 32, and
// gives up after 20 s. This host is never a candidate. The error matches
// [ErrNameNotFound] where none was accepted, promptly where there is none, and
// is that of ctx where it ended first.
func (n *Names) Lookup(ctx context.Context, city string, verify Verifier) (peer.AddrInfo, error) {
	lookupCtx, end, err := n.begin(ctx)
	if err != nil {
		return peer.AddrInfo{}, err
	}
	defer end()
	lookupCtx, cancel := context.WithTimeout(lookupCtx, lookupTimeout)
	defer cancel()
	candidates := n.dht.FindProvidersAsync(lookupCtx, NameCID(n.config.Network, city), candidatesMax)
	r := race{host: n.host, verify: verify}
	winner, tried := r.run(lookupCtx, cancel, candidates)
	switch {
	case winner != nil:
		return peer.AddrInfo{ID: winner.ID, Addrs: n.addrsOf(*winner)}, nil
	case ctx.Err() != nil:
		return peer.AddrInfo{}, fmt.Errorf("look up %s: %w", city, ctx.Err())
	case tried == 0:
		return peer.AddrInfo{}, fmt.Errorf("look up %s: %w: nobody provides it", city, ErrNameNotFound)
	}
	return peer.AddrInfo{}, fmt.Errorf("look up %s: %w: %d candidates tried, the last: %w", city, ErrNameNotFound, tried, r.lastErr)
}

// A race tries candidates until the first that is verified.
type race struct {
	host   host.Host
	verify Verifier

	mu      sync.Mutex // guards winner, lastErr
	winner  *peer.AddrInfo
	lastErr error
}

// run reads candidates to their end, which comes soon after cancel. It has
// ended all that it started when it returns.
func (r *race) run(ctx context.Context, cancel func(), candidates <-chan peer.AddrInfo) (winner *peer.AddrInfo, tried int) {
	slots := make(chan struct{}, candidatesAtOnce)
	var runners sync.WaitGroup
	for info := range candidates {
		if info.ID == r.host.ID() || ctx.Err() != nil {
			continue
		}
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			continue
		}
		tried++
		runners.Go(func() {
			defer func() { <-slots }()
			if r.note(info, r.try(ctx, info)) {
				cancel()
			}
		})
	}
	runners.Wait()
	return r.winner, tried
}

func (r *race) try(ctx context.Context, info peer.AddrInfo) error {
	ctx, cancel := context.WithTimeout(ctx, candidateTimeout)
	defer cancel()
	if err := connectAnew(ctx, r.host, info); err != nil {
		_, err := dialReason(err, info.Addrs)
		return err
	}
	return r.verify(ctx, info)
}

// note keeps the first success and says whether this was it.
func (r *race) note(info peer.AddrInfo, err error) (won bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.winner != nil {
		return false
	}
	if err != nil {
		r.lastErr = fmt.Errorf("%s: %w", info.ID, err)
		return false
	}
	r.winner = &info
	return true
}

// addrsOf gives the addresses of a peer that was just connected: those it says
// it listens on, the one that worked first, else those of its record.
func (n *Names) addrsOf(info peer.AddrInfo) []ma.Multiaddr {
	listen := n.host.Peerstore().Addrs(info.ID)
	if len(listen) == 0 {
		listen = info.Addrs
	}
	for _, conn := range n.host.Network().ConnsToPeer(info.ID) {
		if conn.Stat().Direction == network.DirOutbound {
			return savableAddrs(peer.AddrInfo{ID: info.ID, Addrs: dialableAddrs(conn, listen)})
		}
	}
	return savableAddrs(peer.AddrInfo{ID: info.ID, Addrs: listen})
}
