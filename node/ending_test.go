package node

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/protocol"
)

// stopPromised is within what a node has ended, whatever hangs.
const stopPromised = 10 * time.Second

// hangingHost is a host whose Close does not return in time.
type hangingHost struct {
	host.Host
	until chan struct{}
}

func (h *hangingHost) Close() error {
	hangOn(h.until)
	return nil
}

// hangOn waits in a function whose name a stack shows.
func hangOn(until chan struct{}) { <-until }

// An order hangs in the city's loop, and a session, and the host: each is waited for.
func TestANodeEndsThoughItsPartsHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net, until := newMockNet(t), make(chan struct{})
		metropolis := net.start(t, quiet("metropolis"))
		var log bytes.Buffer // read once the node has ended
		cfg := net.config(quiet("gotham"), metropolis)
		cfg.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		cfg.NewHost = func(opts ...libp2p.Option) (host.Host, error) {
			h, err := net.host(opts...)
			return &hangingHost{Host: h, until: until}, err
		}
		gotham := prepare(t, cfg)
		gotham.cfg.Events.Changed = func(city.SourcedChange) { hangOn(until) }
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- gotham.Run(ctx) }()
		awaitReady(t, gotham, metropolis)
		awaitAlive(t, gotham, metropolis)
		called := make(chan error, 1)
		go func() {
			called <- metropolis.Call(context.Background(), "gotham", func(c *protocol.Client) error {
				_, err := c.Create(context.Background(), newID(), protocol.CreateRequest{Name: "Batman"})
				return err
			})
		}()
		time.Sleep(time.Second) // the order is in the loop
		begin := time.Now()
		stop()
		release := time.AfterFunc(waitMax, func() { close(until) })
		err := <-ended
		if !release.Stop() {
			t.Fatal("the node waits for what hangs")
		}
		if took := time.Since(begin); took > stopPromised {
			t.Errorf("the node ended after %v", took)
		}
		for _, part := range []string{childCity, "host"} {
			if !errors.Is(err, ErrHung) || !strings.Contains(err.Error(), part+" did not stop in time") {
				t.Errorf("Run returned %v, want that %s hangs", err, part)
			}
			if !strings.Contains(log.String(), "level=ERROR msg=\"a part did not end in time and is abandoned\" component=node part="+part) {
				t.Errorf("the log does not say that %s hangs:\n%s", part, log.String())
			}
		}
		if n := strings.Count(log.String(), "hangOn"); n != 2 {
			t.Errorf("the log has %d stacks of what hangs, want 2:\n%s", n, log.String())
		}
		if err := gotham.Close(); err != nil {
			t.Errorf("Close of a node that has ended: %v", err)
		}
		close(until)
		<-called
		synctest.Wait()
		_ = gotham.host.(*hangingHost).Host.Close()
	})
}

func TestAFolderIsNobodyElsesWhileAPartOfItsNodeHangs(t *testing.T) {
	dir, until := t.TempDir(), make(chan struct{})
	cfg := durableCity("gotham", dir)
	var inner host.Host
	cfg.NewHost = func(opts ...libp2p.Option) (host.Host, error) {
		h, err := libp2p.New(opts...)
		inner = h
		return &hangingHost{Host: h, until: until}, err
	}
	n, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer inner.Close() //nolint:errcheck // the test's end
	defer close(until)
	if err := n.Close(); !errors.Is(err, ErrHung) || !strings.Contains(err.Error(), "host") {
		t.Errorf("Close returned %v, want that the host hangs", err)
	}
	if _, err := New(durableCity("gotham", dir)); !errors.Is(err, ErrInUse) {
		t.Errorf("a second node on the folder: %v, want %v", err, ErrInUse)
	}
}
