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
	"github.com/libp2p/go-libp2p/core/protocol"
	ma "github.com/multiformats/go-multiaddr"
)

const (
	// lookupTimeout bounds a lookup, whatever the caller's context allows. It is
	// enough for a walk through the DHT and a few rounds of candidates that do not
	// answer.
	lookupTimeout = 20 * time.Second
	// candidatesMax bounds the providers of one name that are looked at, triedMax those that
	// one lookup tries. A name has one city; other providers lie or are dead. Those that
	// could not be asked rest, so the next lookup tries others.
	candidatesMax = 32
	triedMax      = 8
	// candidatesAtOnce bounds the candidates that one lookup tries at the same time, and
	// candidatesInAll those of all lookups. libp2p dials up to 8 addresses of each.
	candidatesAtOnce = 4
	candidatesInAll  = 16
	// candidateTimeout bounds the dial and the verification of one candidate: four round
	// trips on a line of 300 ms each way. With it a lookup of a name that others than its
	// city provide is over in 5 s, and who asked asks again.
	candidateTimeout = 2500 * time.Millisecond
)

// ErrNameNotFound is matched by the error of a lookup that verified no candidate.
var ErrNameNotFound = errors.New("no city of that name answers")

// ErrOtherCity is matched by the error of a [Verifier] to which the candidate has
// said that it is another city.
var ErrOtherCity = errors.New("not the city that is looked for")

// An UndecidedError is matched by the error of a lookup after which there may
// still be a city of that name.
type UndecidedError struct {
	// Silent are the peers that provide the name and have said neither that they
	// are the city nor that they are not.
	Silent []peer.ID
	// Short means that the search ended before it was complete.
	Short bool
}

// Error says why there may still be such a city.
func (e *UndecidedError) Error() string {
	if e.Short {
		return fmt.Sprintf("the search is not complete after %v", lookupTimeout)
	}
	return fmt.Sprintf("%d that provide it do not answer", len(e.Silent))
}

// A Verifier asks a connected peer whether it is the city that is looked for. Nil
// means yes, an error that matches [ErrOtherCity] means no, and any other error
// means that the peer has not said. A Verifier returns when its context ends.
type Verifier = func(context.Context, peer.AddrInfo) error

// Lookup returns the first peer that verify accepts among those that provide the
// name in the DHT, with the addresses at which it can be dialed. It connects to
// up to four candidates at once, each for at most 2.5 s, tries at most eight of 32,
// and gives up after 20 s. One that could not be asked lately is not tried again
// for a while, but where there are only such, one that was met before. This host is never a candidate.
//
// The error matches [ErrNameNotFound] if no candidate was accepted; Lookup
// returns promptly if there is none. An [UndecidedError] in it means that there
// may still be such a city. If ctx ended first, the error is that of ctx.
func (n *Names) Lookup(ctx context.Context, city string, verify Verifier) (peer.AddrInfo, error) {
	lookupCtx, end, err := n.begin(ctx)
	if err != nil {
		return peer.AddrInfo{}, err
	}
	defer end()
	lookupCtx, cancel := context.WithTimeout(lookupCtx, lookupTimeout)
	defer cancel()
	candidates := n.dht.FindProvidersAsync(lookupCtx, n.key(city), candidatesMax)
	r := race{host: n.host, verify: verify, told: addrsTold(n.host), before: n.candidates, all: n.dials, isCity: n.config.IsCity}
	winner := r.run(lookupCtx, cancel, candidates)
	switch {
	case winner != nil:
		return peer.AddrInfo{ID: winner.ID, Addrs: n.addrsOf(*winner)}, nil
	case ctx.Err() != nil:
		return peer.AddrInfo{}, fmt.Errorf("look up %s: %w", city, ctx.Err())
	}
	return peer.AddrInfo{}, fmt.Errorf("look up %s: %w: %w", city, ErrNameNotFound, r.failure(lookupCtx.Err() != nil))
}

// A race tries candidates at the same time until one is verified.
type race struct {
	host   host.Host
	verify Verifier
	told   func([]ma.Multiaddr) []ma.Multiaddr // the addresses of a record that may be dialed
	before *candidates
	all    chan struct{} // has room for each candidate that is tried, of all races
	isCity func([]protocol.ID) bool

	mu      sync.Mutex // guards the rest
	winner  *peer.AddrInfo
	tried   int
	silent  []peer.ID // those of the tried that did not say
	lastErr error
}

// run reads candidates until the channel is closed, which it is soon after
// cancel. When run returns, all that it started has ended.
func (r *race) run(ctx context.Context, cancel func(), candidates <-chan peer.AddrInfo) (winner *peer.AddrInfo) {
	slots := make(chan struct{}, candidatesAtOnce)
	var runners sync.WaitGroup
	begun := 0
	var resting *peer.AddrInfo // the first of those that rest and were met before
	for info := range candidates {
		if info.ID == r.host.ID() || ctx.Err() != nil {
			continue
		}
		info.Addrs = r.told(info.Addrs)
		if r.before.rests(r.host, info.ID, time.Now()) {
			if resting == nil && r.met(info.ID) {
				resting = &info
				continue
			}
			r.note(info, errRests)
			continue
		}
		if begun == triedMax {
			r.note(info, errLater)
			continue
		}
		if !enter(ctx, slots) {
			continue
		}
		if !enter(ctx, r.all) {
			<-slots
			continue
		}
		begun++
		runners.Go(func() {
			defer func() { <-r.all; <-slots }()
			if r.note(info, r.try(ctx, info)) {
				cancel()
			}
		})
	}
	runners.Wait()
	if resting != nil {
		r.note(*resting, r.tryResting(ctx, *resting, begun == 0))
	}
	return r.winner
}

// met reports whether a peer has ever said, on a connection, that it is a city.
func (r *race) met(p peer.ID) bool {
	spoken, err := r.host.Peerstore().GetProtocols(p)
	return err == nil && len(spoken) > 0 && (r.isCity == nil || r.isCity(spoken))
}

// tryResting tries a candidate that rests, and was met before, where there was nobody else:
// it may be the city, and back.
func (r *race) tryResting(ctx context.Context, info peer.AddrInfo, alone bool) error {
	if !alone || !enter(ctx, r.all) {
		return errRests
	}
	defer func() { <-r.all }()
	return r.try(ctx, info)
}

// Why a candidate was not tried.
var (
	errRests = errors.New("it could not be asked lately, and is not tried again yet")
	errLater = errors.New("others were tried first")
)

// enter waits for a place, and reports whether there is one before ctx is done.
func enter(ctx context.Context, places chan struct{}) bool {
	select {
	case places <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// try connects to a candidate and verifies it.
func (r *race) try(ctx context.Context, info peer.AddrInfo) error {
	tryCtx, cancel := context.WithTimeout(ctx, candidateTimeout)
	defer cancel()
	err := connectAnew(tryCtx, r.host, info)
	if err != nil {
		_, err = ExplainDial(err, info.Addrs)
	} else {
		err = r.verify(tryCtx, info)
	}
	if ctx.Err() == nil { // nothing is held against a candidate when the race has been won
		r.before.note(info.ID, err == nil || errors.Is(err, ErrOtherCity), time.Now())
	}
	return err
}

// note records how a candidate fared and reports whether it has won.
func (r *race) note(info peer.AddrInfo, err error) (won bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.winner != nil {
		return false
	}
	r.tried++
	if err != nil {
		if !errors.Is(err, ErrOtherCity) {
			r.silent = append(r.silent, info.ID)
		}
		r.lastErr = fmt.Errorf("%s: %w", info.ID, err)
		return false
	}
	r.winner = &info
	return true
}

// failure returns why no candidate has won. It is called after all have ended.
func (r *race) failure(short bool) error {
	why := errors.New("nobody provides it")
	if r.tried > 0 {
		why = fmt.Errorf("%d candidates tried, the last: %w", r.tried, r.lastErr)
	}
	if short || len(r.silent) > 0 {
		why = fmt.Errorf("%w: %w", &UndecidedError{Silent: r.silent, Short: short}, why)
	}
	return why
}

// addrsOf returns the addresses of a peer that was just connected: first the
// address that worked, then those on which the peer says it listens, or else
// those of its record.
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
