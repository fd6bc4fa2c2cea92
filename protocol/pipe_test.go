package protocol

import (
	"errors"
	"io"
	"sync"
	"testing"
	"time"
)

// errDeadline is the error after a deadline. Like yamux's, it is known by its
// method alone.
var errDeadline error = deadlineError{}

type deadlineError struct{}

func (deadlineError) Error() string { return "deadline reached" }
func (deadlineError) Timeout() bool { return true }

// errReset is what reads and writes of a stream give after a reset.
var errReset = errors.New("stream reset")

// pipeStream is one end of a full-duplex stream in memory. As on QUIC, a reset
// drops what the other end has not read yet; so tests notice a reset that
// overtakes an answer. Closing releases it, as it would libp2p's scope.
type pipeStream struct {
	in, out *halfPipe

	mu       sync.Mutex // guards released
	released string     // "", "closed" or "reset": what this end did first
}

// newPipe returns the two ends of a stream that buffers window bytes each way.
func newPipe(window int) (a, b *pipeStream) {
	ab, ba := newHalfPipe(window), newHalfPipe(window)
	return &pipeStream{in: ba, out: ab}, &pipeStream{in: ab, out: ba}
}

func (s *pipeStream) Read(b []byte) (int, error)        { return s.in.read(b) }
func (s *pipeStream) Write(b []byte) (int, error)       { return s.out.write(b) }
func (s *pipeStream) SetReadDeadline(t time.Time) error { return s.in.setDeadline(&s.in.readBy, t) }

func (s *pipeStream) SetWriteDeadline(t time.Time) error { return s.out.setDeadline(&s.out.writeBy, t) }

func (s *pipeStream) CloseWrite() error { return s.out.end(io.EOF) }

func (s *pipeStream) Close() error {
	s.release("closed")
	s.in.stopReading()
	return s.out.end(io.EOF)
}

func (s *pipeStream) Reset() error {
	s.release("reset")
	_ = s.in.end(errReset)
	return s.out.end(errReset)
}

func (s *pipeStream) release(how string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.released == "" {
		s.released = how
	}
}

// wasReleased returns "closed", "reset", or "" for a stream that leaks.
func (s *pipeStream) wasReleased() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.released
}

// halfPipe is one direction of a pipeStream.
type halfPipe struct {
	window int

	mu       sync.Mutex // guards all below
	moved    *sync.Cond // anything below has changed, or a deadline has come
	buf      []byte
	ended    error // io.EOF: closed by the writer; errReset: reset by either
	unread   bool  // the reader has closed: what is written goes nowhere
	readBy   time.Time
	writeBy  time.Time
	received int // bytes read so far
}

func newHalfPipe(window int) *halfPipe {
	h := &halfPipe{window: window}
	h.moved = sync.NewCond(&h.mu)
	return h
}

func (h *halfPipe) read(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		switch {
		case h.unread:
			return 0, errReset
		case h.ended != nil && h.ended != io.EOF:
			return 0, h.ended
		case passed(h.readBy):
			return 0, errDeadline
		case len(h.buf) > 0:
			n := copy(b, h.buf)
			h.buf = h.buf[n:]
			h.received += n
			h.moved.Broadcast()
			return n, nil
		case h.ended != nil:
			return 0, h.ended
		}
		h.moved.Wait()
	}
}

func (h *halfPipe) write(b []byte) (written int, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		switch {
		case h.ended != nil || h.unread:
			return written, errReset
		case passed(h.writeBy):
			return written, errDeadline
		case len(b) == 0:
			return written, nil
		case len(h.buf) < h.window:
			n := min(len(b), h.window-len(h.buf))
			h.buf = append(h.buf, b[:n]...)
			b, written = b[n:], written+n
			h.moved.Broadcast()
			continue
		}
		h.moved.Wait()
	}
}

func (h *halfPipe) end(how error) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ended == nil || how != io.EOF {
		h.ended = how
	}
	h.moved.Broadcast()
	return nil
}

func (h *halfPipe) stopReading() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.unread = true
	h.moved.Broadcast()
}

func (h *halfPipe) setDeadline(deadline *time.Time, t time.Time) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	*deadline = t
	h.moved.Broadcast()
	if !t.IsZero() {
		time.AfterFunc(time.Until(t), func() {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.moved.Broadcast()
		})
	}
	return nil
}

func passed(deadline time.Time) bool { return !deadline.IsZero() && !time.Now().Before(deadline) }

func TestPipeStreamBehavesLikeAStream(t *testing.T) {
	a, b := newPipe(4)
	go func() {
		_, _ = a.Write([]byte("hello"))
		_ = a.CloseWrite()
	}()
	got, err := io.ReadAll(b)
	if err != nil || string(got) != "hello" {
		t.Fatalf("read %q, %v", got, err)
	}
	_ = b.SetReadDeadline(time.Now())
	_ = a.SetReadDeadline(time.Now().Add(time.Millisecond))
	if _, err := a.Read(make([]byte, 1)); !errors.Is(err, errDeadline) {
		t.Fatalf("read after the deadline: %v", err)
	}
	_, _ = b.Write([]byte("lost"))
	_ = b.Reset()
	_ = a.SetReadDeadline(time.Time{})
	if _, err := a.Read(make([]byte, 1)); err != errReset {
		t.Fatalf("read after a reset: %v", err)
	}
	if a.wasReleased() != "" || b.wasReleased() != "reset" {
		t.Fatalf("released: %q, %q", a.wasReleased(), b.wasReleased())
	}
}
