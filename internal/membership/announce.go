package membership

import (
	"context"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"

	"github.com/citynode/citynode/internal/wake"
	"github.com/citynode/citynode/protocol"
)

const (
	// presenceGap is the least time between two presences of this city, so that
	// one presence greets many peers that join at once.
	presenceGap = 250 * time.Millisecond
	// networkGap is the time between two presences of a whole large network. The
	// interval of a city is stretched to the number of cities times networkGap. So each
	// city hears one presence in 2 s on average, however many cities there are.
	networkGap = 2 * time.Second
	// goodbyeFor is how long a leaving city waits for its goodbye to be sent.
	goodbyeFor = 200 * time.Millisecond
	// meshWithin is how long a goodbye waits for the mesh of a city that has only just
	// come: two heartbeats of GossipSub build it. A goodbye before that reaches nobody,
	// and the others would ask the dead for seconds.
	meshWithin = 2 * time.Second
	// meshEnough is how many peers of the mesh a goodbye waits for: one tells the rest.
	meshEnough = 1
	// goodbyeTimeout bounds sending the goodbye without a mesh.
	goodbyeTimeout = time.Second
)

// Announce has a presence sent soon. It never blocks.
func (m *Members) Announce() { m.due.Set() }

// send publishes a presence at once, then at intervals and when one is due, and
// says goodbye in the end.
func (m *Members) send(ctx context.Context) error {
	for {
		switch err := m.publish(ctx, false); {
		case ctx.Err() != nil: // a stop that comes during a presence is one all the same
			return m.sayGoodbye(ctx)
		case err != nil:
			return err
		}
		// The gap comes before the wait, so that one presence tells all that becomes
		// due within it.
		if wake.Sleep(ctx, presenceGap) != nil {
			return m.sayGoodbye(ctx)
		}
		select {
		case <-ctx.Done():
			return m.sayGoodbye(ctx)
		case <-m.due:
		case <-time.After(wake.Jitter(m.interval())):
		}
	}
}

// LeaveQuietly has this city end without a goodbye: one with its key goes on elsewhere, and
// the goodbye would be taken for that one's.
func (m *Members) LeaveQuietly() { m.quiet.Store(true) }

// sayGoodbye tells the others that this city leaves, so that they need not find out. The
// pause after it lets GossipSub send before the host is closed. ctx is done already, so
// each step has a bound of its own, 3.2 s in all.
func (m *Members) sayGoodbye(ctx context.Context) error {
	if m.quiet.Load() {
		return nil
	}
	ctx = context.WithoutCancel(ctx)
	if len(m.cfg.Topic.ListPeers()) == 0 {
		return m.publishWithin(ctx, goodbyeTimeout)
	}
	mesh := pubsub.WithReadiness(pubsub.MinTopicSize(meshEnough))
	if err := m.publishWithin(ctx, meshWithin, mesh); err != nil { // there is no mesh
		if err := m.publishWithin(ctx, goodbyeTimeout); err != nil {
			return err
		}
	}
	<-time.After(goodbyeFor)
	return nil
}

// publishWithin publishes the goodbye.
func (m *Members) publishWithin(ctx context.Context, d time.Duration, opts ...pubsub.PubOpt) error {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	return m.publish(ctx, true, opts...)
}

// publish sends one presence. Its stamp is greater than that of the one before, whatever
// the clock did meanwhile: the others drop what seems older. A process that has restarted
// begins without one; others compare the stamps of one incarnation only.
func (m *Members) publish(ctx context.Context, leaving bool, opts ...pubsub.PubOpt) error {
	own, err := m.cfg.Self.Presence(ctx)
	if err != nil {
		return err
	}
	m.last = max(own.Sent, m.last.Next())
	own.Sent, own.Leaving = m.last, leaving
	data, err := protocol.Marshal(own)
	if err != nil {
		return err
	}
	return m.cfg.Topic.Publish(ctx, data, opts...)
}

// interval returns the time between two presences, stretched in large networks.
func (m *Members) interval() time.Duration {
	return Interval(m.cfg.Every, len(m.cfg.Directory.Present())+1)
}

// Interval returns the time between two presences of one of so many cities, which is every
// in a small network.
func Interval(every time.Duration, cities int) time.Duration {
	return max(every, time.Duration(cities)*networkGap)
}
