package node

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/citynode/citynode/internal/store"
	"github.com/citynode/citynode/protocol"
)

func TestACityThatStopsAnswersWhatItHasBegunAndNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var place store.Memory
		net := newMockNet(t)
		gotham := net.start(t, stored(t, &place, quiet("gotham")))
		metropolis := net.start(t, quiet("metropolis"), gotham)
		awaitAlive(t, gotham, metropolis)
		caller := newStranger(t, net)
		caller.meets(t, gotham)
		begun, late := caller.client(t, gotham), caller.client(t, gotham)
		goOn := place.Stall()
		answered := make(chan error, 1)
		go func() {
			_, err := begun.Create(t.Context(), newID(), protocol.CreateRequest{Name: "Batman", Here: true})
			answered <- err
		}()
		time.Sleep(time.Second)
		gotham.stop()
		time.Sleep(time.Second)
		if _, err := late.Create(t.Context(), newID(), protocol.CreateRequest{Name: "Robin"}); !errors.Is(err, protocol.ErrUnavailable) {
			t.Errorf("an order while it stops: %v", err)
		}
		if len(answered) > 0 {
			t.Error("answered before it was stored")
		}
		goOn()
		if err := <-answered; err != nil {
			t.Errorf("the order that had begun: %v", err)
		}
		<-gotham.ended
		if gotham.err != nil {
			t.Error(gotham.err)
		}
		eventually(t, "the neighbour has it, and knows that the city has left", func() bool {
			e, _ := metropolis.directory.Get(gotham.Peer())
			return metropolis.summary().Heroes == 1 && e.Status == Left
		})
	})
}

func TestOnlyOrdersThatRunAreWaitedFor(t *testing.T) {
	var d draining
	end, err := d.order("gotham")
	if err != nil || d.running.Load() != 1 {
		t.Fatalf("%d run after one has begun, %v", d.running.Load(), err)
	}
	end()
	d.begun.Store(true)
	if _, err := d.order("gotham"); !errors.Is(err, protocol.ErrUnavailable) {
		t.Errorf("an order of a city that stops: %v", err)
	}
	if n := d.running.Load(); n != 0 {
		t.Errorf("%d run after one has ended and one was refused", n)
	}
}
