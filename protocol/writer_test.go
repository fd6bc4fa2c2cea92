package protocol

import (
	"bytes"
	"context"
	"io"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/citynode/citynode/crdt"
)

// countingStream counts what costs a real stream a timer or a record of TLS.
type countingStream struct {
	*pipeStream
	writes, readDeadlines, writeDeadlines atomic.Int32
}

func (s *countingStream) Write(b []byte) (int, error) {
	s.writes.Add(1)
	return s.pipeStream.Write(b)
}

func (s *countingStream) SetReadDeadline(t time.Time) error {
	s.readDeadlines.Add(1)
	return s.pipeStream.SetReadDeadline(t)
}

func (s *countingStream) SetWriteDeadline(t time.Time) error {
	s.writeDeadlines.Add(1)
	return s.pipeStream.SetWriteDeadline(t)
}

// countCalls makes calls of a server, and returns what was counted at both ends.
func countCalls(t *testing.T, h Handler, calls func(*Client) error) (client, server *countingStream) {
	t.Helper()
	a, b := newPipe(64 << 10)
	client, server = &countingStream{pipeStream: a}, &countingStream{pipeStream: b}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = (&Server{City: "paris", Handler: h}).Serve(context.Background(), server, "")
	}()
	c := NewClient(client)
	if err := calls(c); err != nil {
		t.Error(err)
	}
	_ = c.Close()
	<-served
	return client, server
}

// holds answers get with a held page of so many heroes and then with end.
func holds(heroes int, end error) handlerFunc {
	return func(_ context.Context, call *Call) (any, error) {
		if err := call.Hold(GetReply{Entries: &crdt.Entries{Heroes: manyHeroes(heroes)}}); err != nil {
			return nil, err
		}
		return GetReply{Summary: &summary}, end
	}
}

func getAll(ctx context.Context, c *Client) (heroes int, err error) {
	_, err = c.Get(ctx, GetRequest{}, func(e crdt.Entries) error {
		heroes += len(e.Heroes)
		return nil
	})
	return heroes, err
}

func TestSmallHeldFrameIsWrittenWithTheNext(t *testing.T) {
	for _, c := range []struct {
		heroes int
		writes int32
	}{{1, 1}, {1000, 2}} {
		_, server := countCalls(t, holds(c.heroes, nil), func(client *Client) error {
			heroes, err := getAll(t.Context(), client)
			if heroes != c.heroes {
				t.Errorf("got %d heroes, want %d", heroes, c.heroes)
			}
			return err
		})
		if n := server.writes.Load(); n != c.writes {
			t.Errorf("%d heroes: %d writes, want %d", c.heroes, n, c.writes)
		}
	}
}

func TestHeldFrameComesBeforeTheErrorOfItsCall(t *testing.T) {
	c := dial(t, holds(1, ErrBusy))
	if heroes, err := getAll(t.Context(), c); heroes != 1 || CodeOf(err) != Busy {
		t.Errorf("got %d heroes, then %v", heroes, err)
	}
}

func TestCallsInARowSetFewDeadlines(t *testing.T) {
	client, server := countCalls(t, complete, func(c *Client) error {
		for range 100 {
			if _, err := c.Info(t.Context()); err != nil {
				return err
			}
		}
		return nil
	})
	// The server's one more is for its end.
	if r, w := server.readDeadlines.Load(), server.writeDeadlines.Load(); r > 2 || w > 1 {
		t.Errorf("server: %d deadlines of reads, %d of writes", r, w)
	}
	if r, w := client.readDeadlines.Load(), client.writeDeadlines.Load(); r > 0 || w > 1 {
		t.Errorf("client: %d deadlines of reads, %d of writes", r, w)
	}
}

func TestEachWriteHasItsWholeTime(t *testing.T) {
	for _, pause := range []time.Duration{time.Millisecond, FrameTimeout / 2, FrameTimeout - time.Millisecond, FrameTimeout, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			end, peer := newPipe(100)
			w := frameWriter{stream: end}
			if err := w.write(t.Context(), make([]byte, 10)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(pause)
			start := time.Now()
			err := w.write(t.Context(), make([]byte, 200)) // nobody reads
			if took := time.Since(start); !isTimeout(err) || took != FrameTimeout {
				t.Errorf("after %v: %v after %v", pause, err, took)
			}
			_ = peer.Reset()
		})
	}
}

func TestWriteThatAnOlderDeadlineInterruptsGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end, peer := newPipe(100)
		w := frameWriter{stream: end}
		first, second := bytes.Repeat([]byte{1}, 10), bytes.Repeat([]byte{2}, 1000)
		if err := w.write(t.Context(), first); err != nil {
			t.Fatal(err)
		}
		time.Sleep(FrameTimeout/2 - time.Second)
		got := make(chan []byte)
		go func() {
			time.Sleep(FrameTimeout - time.Second)
			all, _ := io.ReadAll(peer)
			got <- all
		}()
		if err := w.write(t.Context(), second); err != nil {
			t.Error(err)
		}
		_ = end.CloseWrite()
		if want := slices.Concat(framed(first), framed(second)); !bytes.Equal(<-got, want) {
			t.Error("what arrived is not what was written")
		}
	})
}

func TestContextEndsAWriteWhateverItsDeadlineWas(t *testing.T) {
	for _, pause := range []time.Duration{0, time.Second, FrameTimeout} {
		synctest.Test(t, func(t *testing.T) {
			end, peer := newPipe(1 << 10)
			c := NewClient(end)
			defer c.Close()
			defer peer.Reset()
			short, cancelShort := context.WithTimeout(t.Context(), time.Millisecond)
			defer cancelShort()
			_, _ = c.Info(short) // is not answered, but written
			time.Sleep(pause)
			start := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err := c.Update(ctx, crdt.Entries{Heroes: manyHeroes(1000)})
			if took := time.Since(start); err == nil || took > time.Second {
				t.Errorf("%v after %v", err, took)
			}
		})
	}
}
