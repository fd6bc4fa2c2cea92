package gossip

import (
	"context"
	"fmt"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/time/rate"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/supervise"
	"github.com/citynode/citynode/protocol"
)

const (
	// DeltaBytesMax is the most bytes of one delta. The wire has the number (docs/wire,
	// Gossip): validate rejects a longer one, and blames its sender.
	DeltaBytesMax = 64 << 10

	// coalesceFor is how long changes are gathered after a delta has gone out. They
	// share a signature and an envelope then. Nobody notices such a pause.
	coalesceFor = 5 * time.Millisecond
	// publishBytesPerSecond paces the publisher. GossipSub has no backpressure and
	// drops what its queues cannot take. Two cores can sign and send as much as
	// this. publishBurst goes out without a pause.
	publishBytesPerSecond = 32 << 20
	publishBurst          = 4 << 20
	// flushTimeout bounds sending what waits when the node stops.
	flushTimeout = time.Second
)

// City takes messages, as a *city.City does.
type City interface {
	Do(context.Context, city.Message) (city.Reply, error)
}

// Config is what Deltas needs. All fields but Off are required.
type Config struct {
	Network string
	// City is the own city, which is given what others gossiped.
	City City
	// Joined is called for each peer that joins the topic. The peer has missed
	// what was gossiped before.
	Joined func(peer.ID)
	// Lost is called when changes of the own city did not fit the outbox.
	Lost func()
	// Known reports whether a peer is a city that this one has known for some time, so
	// that it may bring more new entries than a stranger.
	Known func(peer.ID) bool
	// Flooded is called for a stranger who sends far more than it may, to have its
	// connections closed.
	Flooded func(peer.ID)
	// Horizon returns the latest stamp that the city takes from others now.
	Horizon func() crdt.Stamp
	// Off has nothing published. What others publish is taken all the same.
	Off bool
}

// Deltas sends the changes of the own city and takes those of others.
type Deltas struct {
	cfg    Config
	own    peer.ID
	topic  *Topic
	outbox *outbox
	pace   *rate.Limiter
	volume *volumes
}

// NewDeltas joins the network's topic of deltas. It publishes and takes nothing
// until Serve runs.
func NewDeltas(r *Router, cfg Config) (*Deltas, error) {
	d := &Deltas{
		cfg:    cfg,
		own:    r.host.ID(),
		outbox: newOutbox(),
		pace:   rate.NewLimiter(publishBytesPerSecond, publishBurst),
		volume: r.volumes,
	}
	var err error
	d.topic, err = r.Join(protocol.DeltaTopic(cfg.Network), d.validate)
	return d, err
}

// validate rejects, and scores against the sender, what no correct program sends.
// It ignores a delta that nobody can use: one that is empty, which a program sends
// that sends without looking, one that nobody can use yet, and one of an author who sends
// more than a city passes on. Anti-entropy brings what was in it, in its time.
func (d *Deltas) validate(_ context.Context, _ peer.ID, m *pubsub.Message) pubsub.ValidationResult {
	if m.ReceivedFrom == d.own {
		return pubsub.ValidationAccept // it was made here
	}
	// Length first, then form, then use: nothing is allocated for what is too long.
	if len(m.Data) > DeltaBytesMax {
		return pubsub.ValidationReject
	}
	if !d.volume.author(m.GetFrom(), m.ReceivedFrom, len(m.Data)) {
		return pubsub.ValidationIgnore // and so nobody passes it on
	}
	entries, err := crdt.DecodeEntries(m.Data)
	if err != nil {
		return pubsub.ValidationReject
	}
	// Whose clock is wrong cannot be told, so nobody is blamed for what is all future.
	if entries.Len() == 0 || allFuture(entries, d.cfg.Horizon()) {
		return pubsub.ValidationIgnore
	}
	m.ValidatorData = entries
	return pubsub.ValidationAccept
}

// allFuture reports whether the entries are heroes stamped beyond the horizon, all.
func allFuture(e crdt.Entries, horizon crdt.Stamp) bool {
	for _, hero := range e.Heroes {
		if hero.Version.HLC <= horizon {
			return false
		}
	}
	return len(e.Tombstones) == 0
}

// Serve publishes and takes deltas until ctx is done. Then it publishes what waits
// in the outbox, for at most a second, and returns nil.
func (d *Deltas) Serve(ctx context.Context) error {
	sub, err := d.topic.Subscribe()
	if err != nil {
		return fmt.Errorf("subscribe to deltas: %w", err)
	}
	defer sub.Cancel()
	peers, err := d.topic.EventHandler()
	if err != nil {
		return fmt.Errorf("watch the delta topic: %w", err)
	}
	defer peers.Cancel()
	group, ctx := supervise.NewGroup(ctx)
	group.Go(func() error { return d.receive(ctx, sub) })
	group.Go(func() error { return d.greet(ctx, peers) })
	group.Go(func() error { return d.publish(ctx) })
	group.Go(func() error { return d.cut(ctx) })
	return group.Wait()
}

// receive merges what others publish.
func (d *Deltas) receive(ctx context.Context, sub *pubsub.Subscription) error {
	for {
		m, err := sub.Next(ctx)
		if err != nil {
			return supervise.UnlessDone(ctx, err)
		}
		// Own messages come back as well. Their entries were never decoded.
		entries, ok := m.ValidatorData.(crdt.Entries)
		if !ok || m.ReceivedFrom == d.own {
			continue
		}
		if err := d.merge(ctx, m.GetFrom(), entries); err != nil {
			return supervise.UnlessDone(ctx, err)
		}
	}
}

// merge gives the city what others gossiped. A delta that the city refuses, as it does
// between two incarnations, is lost: anti-entropy brings its entries. So is what the city
// leaves out of it, since the author, who has signed it, brings too much: whoever passes it
// on is not to blame.
func (d *Deltas) merge(ctx context.Context, author peer.ID, entries crdt.Entries) error {
	_, err := d.cfg.City.Do(ctx, city.Update{
		Entries: entries, Source: city.SourceGossip, From: string(author), Known: d.cfg.Known(author),
	})
	if city.ReasonOf(err) != 0 {
		return nil
	}
	return err
}

// greet tells of each peer that joins the topic.
func (d *Deltas) greet(ctx context.Context, peers *pubsub.TopicEventHandler) error {
	for {
		event, err := peers.NextPeerEvent(ctx)
		if err != nil {
			return supervise.UnlessDone(ctx, err)
		}
		if event.Type == pubsub.PeerJoin {
			d.cfg.Joined(event.Peer)
		}
	}
}

// cut closes the connections of strangers who flood.
func (d *Deltas) cut(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-d.volume.flooded:
		}
		for _, p := range d.volume.flooders() {
			d.cfg.Flooded(p)
		}
	}
}

// Stepped queues the changes of one message of the own city to be published. It never
// blocks, and copies what it keeps. What came by gossip or anti-entropy is not passed
// on: gossip forwards its messages itself, and who sent the other has told others.
func (d *Deltas) Stepped(fx *city.Effects) {
	changes := fx.Changes
	if fx.Source != city.SourceCaller {
		changes = changes[fx.Brought:]
	}
	if d.cfg.Off || len(changes) == 0 {
		return
	}
	if !d.outbox.add(changes) {
		d.cfg.Lost()
	}
}

// Dropped returns how many changes did not fit the outbox, so far.
func (d *Deltas) Dropped() uint64 { return d.outbox.drops() }

// publish sends the first change at once and gathers later ones for a moment.
func (d *Deltas) publish(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
		case <-d.outbox.wake:
		}
		if ctx.Err() != nil { // of both the end counts: nothing can be sent with ctx any more
			return d.flush(ctx)
		}
		if err := d.send(ctx); err != nil {
			return supervise.UnlessDone(ctx, err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(coalesceFor):
		}
	}
}

// flush sends what waits though ctx is done.
func (d *Deltas) flush(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
	defer cancel()
	return d.send(ctx)
}

// send publishes all that waits, in deltas of at most DeltaBytesMax. What was taken and
// could not be published is not put back: anti-entropy brings it.
func (d *Deltas) send(ctx context.Context) error {
	for {
		entries := d.outbox.take(DeltaBytesMax)
		if entries.Len() == 0 {
			return nil
		}
		delta, err := entries.MarshalCBOR()
		if err != nil {
			return fmt.Errorf("encode a delta: %w", err)
		}
		// A delta is far smaller than publishBurst, so this fails only with ctx.
		if err := d.pace.WaitN(ctx, len(delta)); err != nil {
			return fmt.Errorf("pace the deltas: %w", err)
		}
		if err := d.topic.Publish(ctx, delta); err != nil {
			return fmt.Errorf("publish a delta: %w", err)
		}
	}
}
