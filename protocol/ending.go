package protocol

import (
	"context"
	"errors"
	"io"
	"time"
)

// wakeOnDone makes reads from stream fail once ctx is done, and resets the
// stream CloseTimeout later, in case that a write is stuck or that deadlines
// have no effect on this kind of stream. After stop has returned it does
// neither.
func wakeOnDone(ctx context.Context, stream Stream) (stop func()) {
	var reset *time.Timer
	woken := make(chan struct{})
	cancel := context.AfterFunc(ctx, func() {
		defer close(woken)
		_ = stream.SetReadDeadline(time.Now()) // where that fails, the reset does it
		reset = time.AfterFunc(CloseTimeout, func() { _ = stream.Reset() })
	})
	return func() {
		if !cancel() {
			<-woken
			reset.Stop()
		}
	}
}

// end closes or resets the stream, as the reason for its end demands, and joins
// the goroutine of a last call. It returns the reason, nil for the usual ones.
func (ss *session) end(reason error) error {
	switch {
	case errors.Is(reason, io.EOF), errors.Is(reason, io.ErrUnexpectedEOF):
		_ = ss.stream.Close() // the caller is gone; nothing more can be done for it
	case ss.writeErr == nil && isOurs(reason):
		ss.linger()
	default:
		_ = ss.stream.Reset()
	}
	if ss.last != nil {
		<-ss.last.done
	}
	if errors.Is(reason, io.EOF) || errors.Is(reason, errLastCall) {
		return nil
	}
	return reason
}

// isOurs reports whether a stream ends for a reason of ours, while the caller
// may still be there to read what was written.
func isOurs(reason error) bool {
	_, refusal := errors.AsType[*Error](reason)
	_, timeout := errors.AsType[*timeoutError](reason)
	return refusal || timeout || errors.Is(reason, errLastCall) ||
		errors.Is(reason, context.Canceled) || errors.Is(reason, context.DeadlineExceeded)
}

// linger closes the writing side and reads away what still comes, so that what
// was written arrives: a reset right after it would overtake it. The stream is
// reset if the caller has not closed its side within CloseTimeout.
func (ss *session) linger() {
	if err := ss.stream.CloseWrite(); err != nil {
		_ = ss.stream.Reset()
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), CloseTimeout)
	defer cancel()
	reset := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(reset)
		_ = ss.stream.Reset()
	})
	closed := ss.readAway(ctx)
	if !stop() {
		<-reset
		return
	}
	if closed {
		_ = ss.stream.Close()
	} else {
		_ = ss.stream.Reset()
	}
}

// readAway reads until the caller has closed its side, and reports whether it
// has. A caller that sends more than drainBytesMax has until ctx is done.
func (ss *session) readAway(ctx context.Context) (closed bool) {
	if ss.last != nil {
		<-ss.last.done // it reads; whatever ends ctx ends it
		if ss.last.err == io.EOF {
			return true
		}
	}
	if err := ss.stream.SetReadDeadline(time.Time{}); err != nil {
		return false
	}
	n, err := io.CopyN(io.Discard, ss.in, drainBytesMax)
	if n == drainBytesMax {
		<-ctx.Done()
	}
	return err == io.EOF
}
