package node

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/membership"
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
