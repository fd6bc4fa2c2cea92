package dispatch_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/node"
	"github.com/citynode/citynode/node/dispatch"
	"github.com/citynode/citynode/protocol"
)

// testMax is far beyond what a test with two cities on loopback takes.
const testMax = time.Minute

// start runs a city on loopback until stop is called or the test ends.
func start(t *testing.T, name string, joins ...*node.Node) (n *node.Node, stop func()) {
	t.Helper()
	config := node.Config{City: city.Config{Name: name}, PresenceEvery: 200 * time.Millisecond}
	for _, other := range joins {
		config.Bootstrap = append(config.Bootstrap, other.Addrs()...)
	}
	n, err := node.New(config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := n.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	stop = func() { cancel(); <-ended }
	t.Cleanup(stop)
	select {
	case <-n.Ready():
	case <-ended:
		t.FailNow()
	case <-time.After(testMax):
		t.Fatalf("%s is not ready", name)
	}
	return n, stop
}

func dial(t *testing.T, ctx context.Context, config dispatch.Config) *dispatch.Dispatcher {
	t.Helper()
	d, err := dispatch.Dial(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// The dispatcher was told of one node only, which leaves; the other one it knows
// from that node.
func TestAFollowGoesOnAtACityThatTheNodeKnew(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), testMax)
	defer cancel()
	gotham, leave := start(t, "gotham")
	metropolis, _ := start(t, "metropolis", gotham)
	d := dial(t, ctx, dispatch.Config{Nodes: gotham.Addrs()})
	awaitCities(t, ctx, d, 2)

	lives := 0
	for update, err := range d.Follow(ctx, "gotham") {
		switch {
		case err != nil:
			t.Fatal(err)
		case update.Live && lives == 0:
			lives++
			awaitKnown(t, ctx, d)
			leave()
		case update.Live:
			lives++
			if update.Peer != metropolis.Peer() {
				t.Errorf("%s tells, want %s", update.Peer, metropolis.Peer())
			}
			return
		}
	}
	t.Errorf("it was live %d times, and ended", lives)
}

// awaitCities waits until the node knows that many cities alive.
func awaitCities(t *testing.T, ctx context.Context, d *dispatch.Dispatcher, want int) {
	t.Helper()
	for pauses := (dispatch.Backoff{}); ; {
		alive := 0
		err := d.Call(ctx, "", func(c *protocol.Client) error {
			lines, err := c.Cities(ctx)
			for _, line := range lines {
				if line.Status == protocol.StatusAlive {
					alive++
				}
			}
			return err
		})
		if err == nil && alive == want {
			return
		}
		if pauses.Wait(ctx) != nil {
			t.Fatalf("%d cities are alive, want %d: %v", alive, want, err)
		}
	}
}

// awaitKnown waits until the dispatcher has learned of another city.
func awaitKnown(t *testing.T, ctx context.Context, d *dispatch.Dispatcher) {
	t.Helper()
	for pauses := (dispatch.Backoff{}); d.Known() == 0; {
		if pauses.Wait(ctx) != nil {
			t.Fatal("no other city is known")
		}
	}
}

func TestADispatcherServesManyGoroutines(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), testMax)
	defer cancel()
	gotham, _ := start(t, "gotham")
	start(t, "metropolis", gotham)
	d := dial(t, ctx, dispatch.Config{Nodes: gotham.Addrs(), Network: protocol.DefaultNetwork})
	awaitCities(t, ctx, d, 2)
	var callers errgroup.Group
	for i := range 16 {
		callers.Go(func() error {
			_, err := create(ctx, d, []string{"gotham", "metropolis"}[i%2], fmt.Sprint("hero ", i))
			return err
		})
	}
	if err := callers.Wait(); err != nil {
		t.Error(err)
	}
}

func TestDialSaysWhatIsWrong(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), testMax)
	defer cancel()
	gotham, leave := start(t, "gotham")
	addrs := gotham.Addrs()
	_, err := dispatch.Dial(ctx, dispatch.Config{})
	if _, ok := errors.AsType[*dispatch.NoNodeError](err); !ok || !errors.Is(err, dispatch.ErrUnreachable) {
		t.Errorf("nobody is named: %v", err)
	}
	_, err = dispatch.Dial(ctx, dispatch.Config{Nodes: addrs, Network: "lab"})
	if _, ok := errors.AsType[*dispatch.WrongNetworkError](err); !ok || !errors.Is(err, dispatch.ErrUnreachable) {
		t.Errorf("another network: %v", err)
	}
	leave()
	_, err = dispatch.Dial(ctx, dispatch.Config{Nodes: addrs})
	if _, ok := errors.AsType[*dispatch.UnreachableError](err); !ok || !errors.Is(err, dispatch.ErrUnreachable) {
		t.Errorf("a node that is gone: %v", err)
	}
	if _, err = dispatch.Dial(ctx, dispatch.Config{Patience: -1}); err == nil {
		t.Error("a negative Patience is taken")
	}
}

func TestAClosedDispatcherSaysSo(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), testMax)
	defer cancel()
	gotham, _ := start(t, "gotham")
	d := dial(t, ctx, dispatch.Config{Nodes: gotham.Addrs()})
	begin := time.Now()
	for update, err := range d.Follow(ctx, "gotham") {
		if update.Live {
			_ = d.Close()
		}
		if err != nil && !errors.Is(err, dispatch.ErrClosed) {
			t.Errorf("a follow ends with %v", err)
		}
	}
	if err := d.Call(ctx, "", func(*protocol.Client) error { return nil }); !errors.Is(err, dispatch.ErrClosed) {
		t.Errorf("a call ends with %v", err)
	}
	if took := time.Since(begin); took > dispatch.DefaultPatience {
		t.Errorf("a closed dispatcher was tried for %v", took)
	}
}

// The dispatcher was told of both nodes, and the first one leaves.
func TestACallGoesToAnotherNodeWhereTheFirstIsGone(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), testMax)
	defer cancel()
	gotham, leave := start(t, "gotham")
	metropolis, _ := start(t, "metropolis", gotham)
	d := dial(t, ctx, dispatch.Config{Nodes: append(gotham.Addrs(), metropolis.Addrs()...)})
	leave()
	err := d.Call(ctx, "", func(c *protocol.Client) error {
		info, err := c.Info(ctx)
		if err == nil && info.City != "metropolis" {
			t.Errorf("%s answers", info.City)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if _, err := create(ctx, d, "metropolis", "Superman"); err != nil {
		t.Error(err)
	}
}
