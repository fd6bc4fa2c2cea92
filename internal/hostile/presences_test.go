//go:build linux

package hostile

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"testing"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/protocol"
)

// inventedAuthors sends presences of authors who do not exist, Number a second.
var inventedAuthors = newAttack("invented presences", func(ctx context.Context, task attackTask, counts *tally) error {
	return asStranger(task, func(h host.Host, targets []peer.AddrInfo) error {
		topic, err := joinTopic(ctx, h, protocol.PresenceTopic(protocol.DefaultNetwork))
		if err != nil {
			return err
		}
		for _, target := range targets {
			if err := h.Connect(ctx, target); err != nil {
				return err
			}
		}
		return eachSecond(ctx, task.Number, func() error {
			counts.add("presences")
			return invent(ctx, topic)
		})
	})
})

// invent publishes one presence under a key that nobody has.
func invent(ctx context.Context, topic *pubsub.Topic) error {
	key, public, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		return err
	}
	author, err := peer.IDFromPublicKey(public)
	if err != nil {
		return err
	}
	now := crdt.StampAt(time.Now())
	news, err := protocol.Marshal(protocol.Presence{City: "nowhere", Since: now, Incarnation: now, Sent: now, Software: "hostile"})
	if err != nil {
		return err
	}
	return topic.Publish(ctx, news, pubsub.WithSecretKeyAndPeerId(key, author))
}

// silent connects new peers that look like cities and never answer, Number a second. Each
// stays for ten seconds.
var silent = newAttack("silent identities", func(ctx context.Context, task attackTask, counts *tally) error {
	targets, err := task.targets()
	if err != nil {
		return err
	}
	var present []host.Host
	defer func() {
		for _, h := range present {
			_ = h.Close()
		}
	}()
	return eachSecond(ctx, task.Number, func() error {
		if len(present) >= 10*task.Number {
			_ = present[0].Close()
			present = present[1:]
		}
		h, err := newForeignHost(task.From)
		if err != nil {
			return err
		}
		present = append(present, h)
		for _, id := range []string{protocol.CallID(protocol.DefaultNetwork), protocol.SyncID(protocol.DefaultNetwork)} {
			h.SetStreamHandler(libp2pprotocol.ID(id), func(network.Stream) {}) // and never an answer
		}
		for _, target := range targets {
			if err := h.Connect(ctx, target); err != nil {
				counts.add("identities refused")
			} else {
				counts.add("identities")
			}
		}
		return nil
	})
})

// A watch is how long it took until all cities noticed something.
type watch struct{ came, gone time.Duration }

// comesAndGoes starts a city that all others are to notice, and kills it, which they are to
// notice too.
func (c *cluster) comesAndGoes(t *testing.T, name string, nth int) (w watch) {
	t.Helper()
	begun := time.Now()
	guest := startCity(t, cityTask{
		Name: name, Listen: []string{fmt.Sprintf("/ip4/%s.2.%d/tcp/4100", privateNet, nth)}, Bootstrap: []string{c.cities[0].addr},
	})
	c.awaitNoticed(t, name, func(v vitals) []string { return v.Alive })
	w.came = time.Since(begun)
	begun = time.Now()
	if err := guest.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	c.awaitNoticed(t, name, func(v vitals) []string { return v.Failed })
	w.gone = time.Since(begun)
	return w
}

// awaitNoticed waits until each city lists the name.
func (c *cluster) awaitNoticed(t *testing.T, name string, list func(vitals) []string) {
	t.Helper()
	await(t, startMax, "all cities notice "+name, func() bool {
		return !slices.ContainsFunc(c.cities, func(r *running) bool { return !slices.Contains(list(r.vitals(t)), name) })
	})
}

func TestPresencesOfNobodyHideNobody(t *testing.T) {
	for fact, attack := range map[string]attackTask{
		"invented": {Attack: inventedAuthors, Number: 50, Shown: "presences"},
		"silent":   {Attack: silent, Number: 5, Shown: "identities"},
	} {
		t.Run(fact, func(t *testing.T) {
			c := newCluster(t, threeCities()...)
			before := c.comesAndGoes(t, "robin", 1)
			attack.From = privateNet + ".66.6"
			var during watch
			r := c.endure(t, attack, func(*assault) {
				during = c.comesAndGoes(t, "batgirl", 2)
			})
			r.judge(t)
			t.Logf("a city that came was known after %v, in the attack %v; one that was killed had failed after %v, in the attack %v",
				before.came, during.came, before.gone, during.gone)
			if *short {
				return // that they were noticed is enough
			}
			// A busy machine adds seconds to both; without a place of its own a city was
			// noticed when the attack was over.
			if late := during.came - before.came; late > 3*time.Second {
				t.Errorf("a newcomer is noticed %v later", late)
			}
			if late := during.gone - before.gone; late > 3*time.Second {
				t.Errorf("a death is noticed %v later", late)
			}
		})
	}
}
