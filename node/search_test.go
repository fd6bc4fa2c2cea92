package node

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/citynode/citynode/internal/names"
	"github.com/citynode/citynode/protocol"
)

func TestACityThatIsKnownAndDoesNotAnswerIsUnavailableNotUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newSimNet(t) // where a packet to the dead is lost, not refused
		cities := []*member{net.start(t, quiet("metropolis"))}
		for _, name := range []string{"star", "gotham"} {
			cities = append(cities, net.start(t, quiet(name), cities[0]))
		}
		awaitReady(t, cities...)
		awaitAlive(t, cities...)
		asker, gotham := cities[0], cities[2]
		time.Sleep(time.Minute) // the name is provided
		expect := func(fact, city string, want error, within time.Duration) {
			t.Helper()
			begun := time.Now()
			if _, err := asker.Lookup(t.Context(), city); !errors.Is(err, want) || time.Since(begun) > within {
				t.Errorf("%s: %v after %v, want %v", fact, err, time.Since(begun), want)
			}
		}
		net.cut(gotham.host)
		expect("still counted as alive", "gotham", protocol.ErrUnavailable, names.KnownTimeout)
		awaitStatus(t, gotham, Failed, asker)
		expect("failed", "gotham", protocol.ErrUnavailable, names.KnownTimeout)
		time.Sleep(45 * time.Second)                                        // the DHT asks it while its connection seems to live
		expect("unknown", "atlantis", protocol.ErrNotFound, 10*time.Second) // of the DHT's nodes one is cut off
		asker.forgetCities()
		expect("known to the DHT alone", "gotham", protocol.ErrUnavailable, 30*time.Second)
		net.heal()
		expect("back", "gotham", nil, 5*time.Second)

		time.Sleep(time.Minute)
		gotham.leave(t)
		awaitStatus(t, gotham, Left, asker)
		expect("left", "gotham", protocol.ErrNotFound, names.KnownTimeout)
	})
}

func TestAStaleEntryDoesNotDelayTheLookupOfALiveCity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newSimNet(t)
		cities := []*member{net.start(t, quiet("metropolis"))}
		cities = append(cities, net.start(t, quiet("star"), cities[0]))
		awaitReady(t, cities...)
		dead := newStranger(t, net)
		dead.claims("gotham")
		dead.meets(t, cities...)
		for _, c := range cities {
			awaitKnown(t, c, dead.ID())
		}
		net.cut(dead)
		live := net.start(t, quiet("gotham"), cities[0])
		awaitReady(t, live)
		asker := cities[1]
		awaitKnown(t, asker, live.Peer())
		time.Sleep(10 * time.Second) // the name is provided
		find := func(known int) {
			t.Helper()
			asker.directory.Judge(dead.ID(), Alive) // as before it was noticed
			if named := asker.directory.Named("gotham"); len(named) != known || named[0].Peer != dead.ID() || named[0].Status != Alive {
				t.Fatalf("it knows %+v", named)
			}
			within(t, time.Second, "the lookup", func() {
				if found, err := asker.Lookup(t.Context(), "gotham"); err != nil || found.ID != live.Peer() {
					t.Errorf("found %v, %v", found.ID, err)
				}
			})
		}
		find(2)
		asker.directory.Forget(live.Peer())
		find(1) // the DHT knows the other
	})
}
