package city

import (
	"context"
	"encoding/binary"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/citynode/citynode/crdt"
)

// waitingOrders is more orders than the loop takes together.
const waitingOrders = 3*batchMax + 1

// held starts a city whose loop waits, so that what is sent meanwhile waits too,
// until the function that it returns is called.
func held(t *testing.T, stepped func(*Effects)) (c *City, served chan error, release func()) {
	c, err := New(Config{Name: "gotham", Replica: 1, PatrolEvery: -1, FightEvery: -1}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	c.Observe(Observer{Stepped: stepped})
	serve, err := c.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	served = make(chan error, 1)
	go func() { served <- serve(t.Context()) }()
	if _, err := c.Do(t.Context(), Open{}); err != nil {
		t.Fatal(err)
	}
	gate := make(chan struct{})
	go func() {
		inc, _ := c.Current()
		_ = inc.Read(context.Background(), func(*Core) { <-gate })
	}()
	synctest.Wait()
	return c, served, func() { close(gate) }
}

func createNumber(n int) Create {
	var id crdt.ID
	binary.BigEndian.PutUint64(id[8:], uint64(n+1))
	return Create{Caller: Caller{Name: "alfred", Request: id}, HeroName: "Robin", Here: true}
}

func TestOrdersThatWaitTogetherAreDoneInTheirOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var done []crdt.ID
		c, _, release := held(t, func(fx *Effects) {
			for _, change := range fx.Changes {
				done = append(done, change.ID)
			}
		})
		replies := make(chan error, waitingOrders)
		for n := range waitingOrders {
			go func() {
				_, err := c.Do(t.Context(), createNumber(n))
				replies <- err
			}()
			synctest.Wait() // it is in the inbox before the next
		}
		release()
		for range waitingOrders {
			if err := <-replies; err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait() // observers hear of an order after who gave it
		if len(done) != waitingOrders {
			t.Errorf("%d of %d orders were done", len(done), waitingOrders)
		}
		for n, id := range done {
			if want := createNumber(n).Request; id != want {
				t.Fatalf("order %d was about hero %s, not %s", n, id, want)
			}
		}
	})
}

func TestOrdersBehindABombAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, served, release := held(t, nil)
		replies := make(chan error, waitingOrders)
		send := func(m Message) {
			go func() {
				_, err := c.Do(t.Context(), m)
				replies <- err
			}()
			synctest.Wait()
		}
		const before = 5
		for n := range before {
			send(createNumber(n))
		}
		send(Bomb{})
		for n := before; n < waitingOrders-1; n++ {
			send(createNumber(n))
		}
		release()
		answered := 0
		for range waitingOrders {
			switch err := <-replies; {
			case err == nil:
				answered++
			case ReasonOf(err) != Unavailable:
				t.Fatal(err)
			}
		}
		if answered != before+1 {
			t.Errorf("%d were answered, not the %d orders before the bomb and the bomb", answered, before)
		}
		if err := <-served; !errors.Is(err, ErrBombed) {
			t.Errorf("the city ended with %v", err)
		}
	})
}
