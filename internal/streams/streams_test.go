package streams

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"
	mocknet "github.com/libp2p/go-libp2p/p2p/net/mock"

	"github.com/citynode/citynode/protocol"
)

const testProtocol = "/test/1"

// twoHosts are connected.
func twoHosts(t *testing.T) (own, other host.Host) {
	t.Helper()
	net, err := mocknet.FullMeshConnected(2)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = net.Close() })
	return net.Hosts()[0], net.Hosts()[1]
}

// serves serves the protocol at a host until the function that it returns is called,
// or the test ends.
func serves(t *testing.T, h host.Host, handler Handler) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- Serve(ctx, h, slog.New(slog.DiscardHandler), map[libp2pprotocol.ID]Handler{testProtocol: handler})
	}()
	for deadline := time.Now().Add(5 * time.Second); len(h.Mux().Protocols()) == 0 || !SpeaksAll(h.Mux().Protocols(), testProtocol); {
		if time.Now().After(deadline) {
			t.Fatal("the protocol is not served")
		}
	}
	stopped := false
	stop = func() {
		if cancel(); !stopped {
			stopped = true
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	}
	t.Cleanup(stop)
	return stop
}

func TestAPanicOfAHandlerResetsItsStreamAndNoOther(t *testing.T) {
	own, other := twoHosts(t)
	serves(t, other, func(_ context.Context, s network.Stream) error {
		b := make([]byte, 1)
		if _, err := io.ReadFull(s, b); err != nil {
			return errors.Join(err, s.Reset())
		}
		if b[0] == '!' {
			panic("boom")
		}
		_, err := s.Write(b)
		return errors.Join(err, s.Close())
	})
	for _, says := range []string{"a", "!", "b"} {
		s, err := own.NewStream(t.Context(), other.ID(), testProtocol)
		if err != nil {
			t.Fatal(err)
		}
		read := make(chan string, 1)
		go func() {
			_, _ = s.Write([]byte(says))
			b, err := io.ReadAll(s)
			if err != nil {
				b = []byte("!")
			}
			read <- string(b)
		}()
		select {
		case got := <-read:
			if got != says {
				t.Errorf("to %q came %q", says, got)
			}
		case <-time.After(5 * time.Second):
			t.Fatalf("after %q the stream stays open", says)
		}
	}
}

func TestOnceHandlersAreWaitedForNoneBegins(t *testing.T) {
	var h handlers
	if !h.enter() {
		t.Fatal("the first is refused")
	}
	h.alive.Done()
	if h.wait(); h.enter() {
		t.Error("one begins after the wait")
	}
}

// What comes late on a stream is the answer to the call before.
func TestAStreamOnWhichAnAnswerIsMissingIsNotUsedAgain(t *testing.T) {
	own, other := twoHosts(t)
	serves(t, other, func(ctx context.Context, s network.Stream) error {
		<-ctx.Done()
		return s.Reset()
	})
	c := NewClients(own, testProtocol)
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	err := c.Call(ctx, other.ID(), func(client *protocol.Client) error {
		_, err := client.Info(ctx)
		return err
	})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the call ended with %v", err)
	}
	if _, kept := c.idle.Take(other.ID()); kept {
		t.Error("the stream is kept")
	}
}
