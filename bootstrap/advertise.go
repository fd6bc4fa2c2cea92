package bootstrap

import (
	"context"
	"slices"
	"time"

	ma "github.com/multiformats/go-multiaddr"
)

const (
	// advertiseCheck is how often Serve checks whether the name is due to be
	// provided again. A check costs microseconds and depends on no event.
	advertiseCheck = 500 * time.Millisecond
	// provideTimeout bounds one provide, which walks to the closest peers. Each
	// dead peer on the way costs a dial.
	provideTimeout = time.Minute
	// provideSpacing is the least time between two provides that changes caused.
	// Addresses and tables change in bursts, for instance when an interface comes up.
	provideSpacing = 5 * time.Second
	// provideRetryMax caps the pause after provides that failed.
	provideRetryMax = time.Minute
)

// Serve advertises the city until ctx is done or the Names is closed, then
// returns nil. It provides the name as soon as the routing table has a peer, and
// again every 10 minutes, when the host's addresses have changed, and when the
// routing table has doubled: others then look for the record on other peers.
func (n *Names) Serve(ctx context.Context) error {
	ctx, end, err := n.begin(ctx)
	if err != nil {
		return nil // closed already
	}
	defer end()
	if n.config.City == "" {
		<-ctx.Done()
		return nil
	}
	key := n.key(n.config.City)
	var a advert
	ticker := time.NewTicker(advertiseCheck)
	defer ticker.Stop()
	for {
		size, addrs := n.dht.RoutingTable().Size(), n.dht.FilteredAddrs()
		if a.due(time.Now(), size, addrs) {
			provideCtx, cancel := context.WithTimeout(ctx, provideTimeout)
			err := n.dht.Provide(provideCtx, key, true)
			cancel()
			if a.done(time.Now(), size, addrs, err); err != nil && ctx.Err() == nil {
				n.config.Logger.Debug("name not provided", "city", n.config.City, "err", err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// An advert is when a name was last provided, and the network as it was then. It
// is plain state, owned by Serve, and is told the time, so its rules are tested alone.
type advert struct {
	tried    time.Time      // the end of the last try
	failures int            // in a row
	size     int            // of the routing table at the last success
	addrs    []ma.Multiaddr // the host's addresses at the last success
}

// due reports whether to provide now, with a routing table of that size. With an
// empty table there is nobody to provide to.
func (a *advert) due(now time.Time, size int, addrs []ma.Multiaddr) bool {
	if size == 0 {
		a.size = 0 // the next peers may not have the record
		return false
	}
	switch since := now.Sub(a.tried); {
	case a.tried.IsZero(), since >= provideEvery:
		return true
	case a.failures > 0:
		return since >= min(provideRetryMax, retryBase<<min(a.failures, 16))
	// Twice as many peers have others among the closest to the key, and a record with
	// former addresses leads to nobody.
	case size >= 2*a.size, !sameAddrs(addrs, a.addrs):
		return since >= provideSpacing
	}
	return false
}

// done notes the end of a try.
func (a *advert) done(now time.Time, size int, addrs []ma.Multiaddr, err error) {
	a.tried = now
	if err != nil {
		a.failures++
		return
	}
	a.failures, a.size, a.addrs = 0, size, addrs
}

// sameAddrs reports whether a and b have the same addresses in any order.
func sameAddrs(a, b []ma.Multiaddr) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(addr ma.Multiaddr) bool {
		return !slices.ContainsFunc(b, addr.Equal)
	})
}
