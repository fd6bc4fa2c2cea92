//go:build linux

package hostile

import (
	"context"
	"testing"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/protocol"
)

// gossiping joins the topic of deltas with all targets and publishes what makes gives,
// again and again, as fast as it can.
func gossiping(ctx context.Context, task attackTask, counts *tally, what string, makes func() crdt.Entries) error {
	return asStranger(task, func(h host.Host, targets []peer.AddrInfo) error {
		topic, err := joinTopic(ctx, h, protocol.DeltaTopic(protocol.DefaultNetwork),
			pubsub.WithFloodPublish(true), pubsub.WithPeerOutboundQueueSize(1024))
		if err != nil {
			return err
		}
		sub, err := topic.Subscribe()
		if err != nil {
			return err
		}
		defer sub.Cancel()
		var last time.Time
		for ctx.Err() == nil {
			if time.Since(last) > time.Second {
				connectAll(ctx, h, targets)
				last = time.Now()
			}
			if len(topic.ListPeers()) == 0 {
				pause(ctx, lookEvery)
				continue
			}
			if topic.Publish(ctx, crdt.AppendEntries(nil, makes())) == nil {
				counts.add(what)
			}
		}
		return nil
	})
}

// joinTopic has a host take part in a topic of gossip.
func joinTopic(ctx context.Context, h host.Host, name string, opts ...pubsub.Option) (*pubsub.Topic, error) {
	ps, err := pubsub.NewGossipSub(ctx, h, opts...)
	if err != nil {
		return nil, err
	}
	return ps.Join(name)
}

// connectAll connects to all cities that can be reached in a second.
func connectAll(ctx context.Context, h host.Host, targets []peer.AddrInfo) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	for _, target := range targets {
		_ = h.Connect(ctx, target) // it is tried again
	}
}

// inventedByGossip gossips deltas of invented heroes.
var inventedByGossip = newAttack("invented heroes by gossip", func(ctx context.Context, task attackTask, counts *tally) error {
	return gossiping(ctx, task, counts, "deltas of 600 invented heroes", func() crdt.Entries { return inventedEntries(600) })
})

// validDeltas gossips deltas with which nothing is wrong but that they are so many.
var validDeltas = newAttack("valid deltas", func(ctx context.Context, task attackTask, counts *tally) error {
	h := heroOf(1 << 40)
	return gossiping(ctx, task, counts, "deltas of one hero", func() crdt.Entries {
		h.Version.HLC++
		return crdt.Entries{Heroes: []crdt.Hero{h}}
	})
})

// longDeltas gossips deltas that are as long as they may be, of heroes that all know.
var longDeltas = newAttack("long deltas", func(ctx context.Context, task attackTask, counts *tally) error {
	var e crdt.Entries
	for i := range 700 {
		e.Heroes = append(e.Heroes, heroOf(1<<40+uint64(i)))
	}
	return gossiping(ctx, task, counts, "deltas of 700 heroes", func() crdt.Entries {
		for i := range e.Heroes {
			e.Heroes[i].Version.HLC++
		}
		return e
	})
})

// Nothing is wrong with any of the deltas, so it is their number that must cost nobody.
func TestValidDeltasAtFullRateHoldUpNobody(t *testing.T) {
	for attack, shown := range map[string]string{validDeltas: "deltas of one hero", longDeltas: "deltas of 700 heroes"} {
		t.Run(attack, func(t *testing.T) {
			c := newCluster(t, threeCities()...)
			r := c.endure(t, attackTask{Attack: attack, From: privateNet + ".66.8", Shown: shown}, nil)
			r.judge(t)
		})
	}
}
