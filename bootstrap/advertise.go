package bootstrap

import (
	"context"
	"slices"
	"time"

	ma "github.com/multiformats/go-multiaddr"
)

const (
	// advertiseCheck is how often Serve looks whether the name must be provided
	// again. Looking costs microseconds, and needs no event to be reliable.
	advertiseCheck = 500 * time.Millisecond
	// provideTimeout bounds one provide: a walk to the closest peers, of which
	// each that is dead costs a dial.
	provideTimeout = time.Minute
	// provideSpacing is the least time between provides that are due to changes.
	provideSpacing = 5 * time.Second
	// provideRetryMax caps the pause after provides that failed.
	provideRetryMax = time.Minute
)

// Serve advertises the city until ctx is done or the Names is closed, then
// returns nil. It provides the name as soon as the routing table has a peer,
// again when the table has doubled (the record is then not where others look)
// or the host's addresses have changed, and each 10 minutes.
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

// An advert is when and to what network a name was last provided. It is plain
// state, owned by Serve.
type advert struct {
	tried    time.Time      // the end of the last try
	failures int            // in a row
	size     int            // of the routing table when it was provided
	addrs    []ma.Multiaddr // that were provided
}

// due says whether to provide now, with a routing table of that size. An empty
// one has nobody to tell.
func (a *advert) due(now time.Time, size int, addrs []ma.Multiaddr) bool {
	if size == 0 {
		a.size = 0 // whoever comes next may know nothing
		return false
	}
	switch since := now.Sub(a.tried); {
	case a.tried.IsZero(), since >= provideEvery:
		return true
	case a.failures > 0:
		return since >= min(provideRetryMax, retryBase<<min(a.failures, 16))
	case size >= 2*a.size, !sameAddrs(addrs, a.addrs):
		return since >= provideSpacing
	}
	return false
}

func (a *advert) done(now time.Time, size int, addrs []ma.Multiaddr, err error) {
	a.tried = now
	if err != nil {
		a.failures++
		return
	}
	a.failures, a.size, a.addrs = 0, size, addrs
}

// sameAddrs compares without regard to order.
func sameAddrs(a, b []ma.Multiaddr) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(addr ma.Multiaddr) bool {
		return !slices.ContainsFunc(b, addr.Equal)
	})
}
