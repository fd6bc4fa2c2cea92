package protocol

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// heldBytesMax is the most bytes of frames that wait to be written with the next
// one: more are no cheaper in one write. A stream keeps a buffer of at most twice
// that between two writes.
const heldBytesMax = 4 << 10

// frameWriter writes the frames of one side of a stream, each within
// FrameTimeout.
//
// To set a deadline costs a stream a timer, so one that has been set is kept for
// as long as half of its time is left. A write that it ends early goes on until
// its own.
type frameWriter struct {
	stream Stream
	by     time.Time // the write deadline that is set; zero: not known
	held   []byte    // frames that wait for the next one; else an empty buffer
}

// errWriteFrame is matched by the error of a frame that could not be written: the
// stream has ended, which is no fault of whoever wrote.
var errWriteFrame = errors.New("write frame")

// hold has a small frame wait for the next one, and writes any other.
func (w *frameWriter) hold(ctx context.Context, payload []byte) error {
	if len(w.held)+len(payload) > heldBytesMax {
		return w.write(ctx, payload)
	}
	w.held = appendFrame(w.held, payload)
	return nil
}

// write writes what is held and a frame, in one call of the stream's Write
// unless that is slow. It gives up when ctx is done and the stream's write
// deadline has been set to wake it.
func (w *frameWriter) write(ctx context.Context, payload []byte) error {
	frames := appendFrame(w.held, payload)
	w.held = nil
	if cap(frames) <= 2*heldBytesMax {
		w.held = frames[:0]
	}
	if err := w.writeAll(ctx, frames); err != nil {
		return fmt.Errorf("%w of %d bytes: %w", errWriteFrame, len(payload), err)
	}
	return nil
}

func (w *frameWriter) writeAll(ctx context.Context, b []byte) error {
	end := time.Now().Add(FrameTimeout)
	reused := end.Sub(w.by) <= FrameTimeout/2
	for ; ; reused = false {
		if !reused {
			if err := w.setDeadline(ctx, end); err != nil {
				return err
			}
		}
		n, err := w.stream.Write(b)
		b = b[n:]
		if !reused || !isTimeout(err) || ctx.Err() != nil {
			return err
		}
	}
}

// setDeadline sets the write deadline, which ctx's end may just have done.
func (w *frameWriter) setDeadline(ctx context.Context, end time.Time) error {
	w.by = end
	if err := w.stream.SetWriteDeadline(end); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return w.stream.SetWriteDeadline(time.Now())
	}
	return nil
}
