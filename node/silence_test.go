package node

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/protocol"
)

// silentSoon is what a call to a city may take that is silent from its beginning: until the
// silence is noticed, and the next look after that.
const silentSoon = suspectSoon + time.Second

// wantSilent expects that a call ends in time with what is known of the city.
func wantSilent(t *testing.T, err error, took time.Duration, sent bool) {
	t.Helper()
	silent, ok := errors.AsType[*protocol.SilentError](err)
	if !ok || silent.City != "c1" || silent.Status != Suspect || silent.Sent != sent || took > silentSoon {
		t.Errorf("a call of a city that fell silent ends after %v with %v", took, err)
	}
	if !errors.Is(err, protocol.ErrUnavailable) {
		t.Errorf("%v is not the error of a city that is unavailable", err)
	}
}

func TestACallOfAProgramToACityThatFallsSilentEndsSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newSimNet(t)
		cities := detectors(t, net, 3)
		caller, gone := cities[0], cities[1]

		begun := time.Now()
		err := caller.tryCall(t, "c1", func(ctx context.Context, c *protocol.Client) error {
			net.cut(gone.host) // after the city was found, before it is asked
			_, err := c.Create(ctx, newID(), protocol.CreateRequest{Name: "Batman"})
			return err
		})
		wantSilent(t, err, time.Since(begun), true)

		net.heal()
		time.Sleep(backSoon)
		net.cut(gone.host)
		begun = time.Now()
		err = caller.tryCall(t, "c1", func(context.Context, *protocol.Client) error {
			t.Error("it is called")
			return nil
		})
		wantSilent(t, err, time.Since(begun), false)
	})
}

func TestAWatchOutlastsASuspicionAndEndsWhereItsCityFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newSimNet(t)
		cities := detectors(t, net, 3)
		caller, watched := cities[0], cities[1]
		seen, watching := make(chan crdt.ID, 1), make(chan error, 1)
		go func() {
			watching <- caller.Call(t.Context(), "c1", func(c *protocol.Client) error {
				return c.Watch(t.Context(), protocol.WatchRequest{}, func(crdt.Summary) error { return nil },
					func(e crdt.Entries) error {
						seen <- e.Heroes[0].ID
						return nil
					})
			})
		}()
		time.Sleep(time.Minute)

		begun := time.Now()
		net.cut(watched.host)
		time.Sleep(suspectSoon)
		net.heal()
		time.Sleep(backSoon)
		lateness(t, watched, Suspect, begun, []*member{caller})
		hero := watched.create(t, "Batman")
		select {
		case id := <-seen:
			if id != hero.ID {
				t.Errorf("the watch tells of %v, not of %v", id, hero.ID)
			}
		case err := <-watching:
			t.Fatalf("a suspicion that was over ended the watch: %v", err)
		case <-time.After(waitMax):
			t.Fatal("the watch tells nothing")
		}

		begun = time.Now()
		net.cut(watched.host)
		select {
		case err := <-watching:
			silent, ok := errors.AsType[*protocol.SilentError](err)
			if took := time.Since(begun); !ok || silent.Status != Failed || took > failedSoon+time.Second {
				t.Errorf("the watch of a city that failed ends after %v with %v", took, err)
			}
		case <-time.After(waitMax):
			t.Error("the watch of a city that failed does not end")
		}
	})
}
