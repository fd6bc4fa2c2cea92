package bootstrap

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/event"
	basichost "github.com/libp2p/go-libp2p/p2p/host/basic"
	"go.uber.org/fx"
)

// observedAddrsName is how go-libp2p's manager of observed addresses names its
// subscription to identified peers.
const observedAddrsName = "observed-addrs-manager"

// closeObservedAddrs returns the option that closes what go-libp2p v0.51.0 leaves open.
//
// A host that closes stops its manager of observed addresses first. The manager then
// no longer reads its subscription, and does not close it either. The bus keeps 16
// events for it. The 17th peer that identifies itself while the host closes blocks the
// bus for good, with a lock held that AutoNAT needs to end, and so the host's Close never
// returns. A cluster of more than 16 cities that is stopped at once meets that: each
// city that ends takes its protocols off its host and tells so to all others.
//
// The option has the manager stop a moment before its turn, and closes the subscription
// after it. It does nothing for a host without the manager.
func closeObservedAddrs() libp2p.Option {
	return libp2p.WithFxOption(
		fx.Decorate(func(bus event.Bus) event.Bus { return &observedBus{Bus: bus} }),
		// Invoked after the host has been made, so that its stop comes before the manager's.
		fx.Invoke(func(manager basichost.ObservedAddrsManager, bus event.Bus, life fx.Lifecycle) {
			life.Append(fx.Hook{OnStop: func(context.Context) error { return bus.(*observedBus).closeLeft(manager) }})
		}),
	)
}

// An observedBus is an event bus that remembers the subscription of the manager of
// observed addresses.
type observedBus struct {
	event.Bus
	left atomic.Pointer[event.Subscription] // nil: the manager has not started
}

// Subscribe is that of the bus.
func (b *observedBus) Subscribe(types any, opts ...event.SubscriptionOpt) (event.Subscription, error) {
	sub, err := b.Bus.Subscribe(types, opts...)
	if err == nil && sub.Name() == observedAddrsName {
		b.left.Store(&sub)
	}
	return sub, err
}

// closeLeft ends the manager, then its subscription: the manager would take the end of a
// subscription that it reads for an event. It may be called where there is no manager.
func (b *observedBus) closeLeft(manager basichost.ObservedAddrsManager) error {
	closer, ok := manager.(io.Closer)
	left := b.left.Load()
	if !ok || left == nil {
		return nil
	}
	if err := closer.Close(); err != nil {
		return fmt.Errorf("close observed addresses: %w", err)
	}
	return (*left).Close()
}
