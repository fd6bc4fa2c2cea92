package node

import (
	"context"
	"fmt"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/membership"
	"github.com/citynode/citynode/protocol"
)

func TestAQuestionIsPutAgainOnANewConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newSimNet(t) // where a dial of the dead takes 5 s
		gotham := net.start(t, quiet("gotham"))
		awaitReady(t, gotham)
		key := newKey(t)
		before := newStrangerAs(t, net, key)
		before.claims("metropolis")
		before.meets(t, gotham)
		awaitKnown(t, gotham, before.ID())
		if err := before.Close(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second) // the old address is being dialed
		after := newStrangerAs(t, net, key)
		after.claims("metropolis")
		back := crdt.StampAt(time.Now())
		after.meets(t, gotham)
		within(t, time.Second, "asking", func() {
			eventually(t, "the new incarnation is known", func() bool {
				e, _ := gotham.directory.Get(after.ID())
				return e.Presence.Incarnation >= back
			})
		})
		time.Sleep(2 * membership.ConfirmTimeout)
		if told := gotham.told("metropolis"); slices.Contains(told, Failed) {
			t.Errorf("told %v", told)
		}
	})
}

func TestAPeerThatServesLaterThanItConnectsIsAskedAsSoonAsItDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		gotham := net.start(t, quiet("gotham"))
		awaitReady(t, gotham)
		late := newStranger(t, net)
		late.meets(t, gotham)
		time.Sleep(10 * time.Second)
		late.claims("metropolis")
		within(t, 2*time.Second, "asking", func() { awaitKnown(t, gotham, late.ID()) })
	})
}

func TestACityThatLeftButIsConnectedIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		cfg := quiet("metropolis")
		cfg.PresenceEvery = time.Hour // so that nothing else shows that it lives
		gotham := net.start(t, quiet("gotham"))
		metropolis := net.start(t, cfg, gotham)
		awaitReady(t, gotham, metropolis)
		awaitAlive(t, gotham, metropolis)
		time.Sleep(time.Minute)
		e, _ := gotham.directory.Get(metropolis.Peer())
		goodbye := e.Presence
		goodbye.Sent, goodbye.Leaving = goodbye.Sent.Next(), true
		if left, _ := gotham.directory.Hear(metropolis.Peer(), goodbye, gotham.cfg.Now()); left == nil {
			t.Fatal("the goodbye was not heard")
		}
		within(t, membership.LeavingFor+2*time.Second, "asking", func() { awaitStatus(t, metropolis, Alive, gotham) })
	})
}

func TestCitiesThatAreRestartedOneByOneAreKnownToAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newSimNet(t)
		var cities []*member
		var configs []Config
		for _, name := range cityNames(5) {
			cfg := quiet(name)
			cfg.Identity, cfg.DataDir, cfg.Ephemeral = newKey(t), t.TempDir(), true
			configs = append(configs, cfg)
			cities = append(cities, net.start(t, cfg, cities[:min(1, len(cities))]...))
		}
		awaitReady(t, cities...)
		awaitAlive(t, cities...)
		time.Sleep(time.Minute)
		for i, cfg := range configs {
			cities[i].leave(t)
			cities[i] = net.start(t, cfg, cities[(i+1)%len(cities)])
			awaitReady(t, cities[i])
			within(t, 3*time.Second, "knowing all again", func() {
				for _, of := range cities {
					awaitStatus(t, of, Alive, slices.DeleteFunc(slices.Clone(cities), func(m *member) bool { return m == of })...)
				}
			})
		}
		time.Sleep(2 * membership.ConfirmTimeout)
		for _, c := range cities {
			if s := c.status(t); s.Alive != len(cities)-1 {
				t.Errorf("%s shows %+v", c.cfg.City.Name, s)
			}
			for _, name := range cityNames(5) {
				if told := c.told(name); slices.Contains(told, Failed) {
					t.Errorf("%s was told of %s: %v", c.cfg.City.Name, name, told)
				}
			}
		}
	})
}

// chatters has the stranger send presences, ten a second, that nothing confirms: the
// stranger never answers info. It ends with the test.
func (s *stranger) chatters(t *testing.T, name string) {
	t.Helper()
	stalled := func(stream network.Stream) { _, _ = io.Copy(io.Discard, stream); _ = stream.Reset() }
	s.SetStreamHandler(libp2pprotocol.ID(protocol.CallID(protocol.DefaultNetwork)), stalled)
	s.respondsToSync(resets)
	_, presences := s.gossips(t)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	t.Cleanup(func() { cancel(); <-ended })
	go func() {
		defer close(ended)
		often := time.NewTicker(100 * time.Millisecond)
		defer often.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-often.C:
			}
			now := crdt.StampAt(time.Now())
			news, err := protocol.Marshal(protocol.Presence{City: name, Since: 1, Incarnation: now, Sent: now, Software: "stranger"})
			if err == nil {
				err = presences.Publish(ctx, news)
			}
			if err != nil && ctx.Err() == nil {
				t.Error(err)
			}
		}
	}()
}

func TestACityIsKnownSoonAlthoughOthersChatterAndNeverAnswer(t *testing.T) {
	for _, chatterers := range []int{4, 8} {
		synctest.Test(t, func(t *testing.T) {
			net := newMockNet(t)
			gotham := net.start(t, quiet("gotham"))
			awaitReady(t, gotham)
			for i := range chatterers {
				silent := newStranger(t, net)
				silent.meets(t, gotham)
				silent.chatters(t, fmt.Sprint("nowhere-", i))
			}
			time.Sleep(30 * time.Second)
			for i := range 3 {
				city := newStranger(t, net)
				city.claims(fmt.Sprint("new-", i))
				city.meets(t, gotham)
				within(t, time.Second, "asking a new city", func() { awaitKnown(t, gotham, city.ID()) })
				time.Sleep(7 * time.Second)
			}
		})
	}
}
