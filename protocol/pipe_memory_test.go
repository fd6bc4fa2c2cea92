package protocol

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/citynode/citynode/crdt"
)

func TestTheDirectionsOfAPipeEndApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := Pipe()
		go func() {
			_, _ = a.Write([]byte("last"))
			_ = a.CloseWrite()
		}()
		if got, err := io.ReadAll(b); string(got) != "last" || err != nil {
			t.Errorf("read %q, %v", got, err)
		}
		go func() { _, _ = b.Write([]byte("answer")) }()
		buf := make([]byte, 6)
		if _, err := io.ReadFull(a, buf); err != nil || string(buf) != "answer" {
			t.Errorf("read %q, %v after the writing side was closed", buf, err)
		}
		_ = b.Reset()
		if _, err := a.Read(buf); err == nil {
			t.Error("a stream that was reset is read")
		}
		if _, err := a.Write(buf); err == nil {
			t.Error("a stream that was closed is written to")
		}
	})
}

func TestAReadOfAPipeEndsAtItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := Pipe()
		defer b.Close() //nolint:errcheck // of a test
		_ = a.SetReadDeadline(time.Now().Add(time.Minute))
		begun := time.Now()
		_, err := a.Read(make([]byte, 1))
		timeout, ok := errors.AsType[interface {
			error
			Timeout() bool
		}](err)
		if !ok || !timeout.Timeout() || time.Since(begun) != time.Minute {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
		_ = a.Close()
	})
}

type answering func(context.Context, *Call) (any, error)

func (f answering) ServeCall(ctx context.Context, call *Call) (any, error) { return f(ctx, call) }

func TestCallsGoThroughAPipe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := Pipe()
		server := &Server{City: "gotham", Handler: answering(func(_ context.Context, call *Call) (any, error) {
			if call.Request.Method == MethodInfo {
				return InfoReply{City: "gotham", Network: "main", Summary: crdt.Summary{Heroes: 3}}, nil
			}
			return nil, Errorf(NotFound, "nobody is called so")
		})}
		served := make(chan error, 1)
		go func() { served <- server.Serve(t.Context(), there, "me") }()
		client := NewClient(here)
		if info, err := client.Info(t.Context()); err != nil || info.Summary.Heroes != 3 {
			t.Errorf("%+v, %v", info, err)
		}
		if _, err := client.Lookup(t.Context(), "star"); !errors.Is(err, ErrNotFound) {
			t.Errorf("%v", err)
		}
		_ = client.Close()
		<-served
	})
}
