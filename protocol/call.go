package protocol

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// Call is one request on its way to be answered. It belongs to the goroutine of
// its handler and must not be used after ServeCall has returned.
type Call struct {
	// Caller is what was given to Serve: who is at the other end.
	Caller string
	// Request has been checked: its form, its city, its method, and that it has
	// a body if and only if the method wants one.
	Request Request

	session    *session
	afterReply func()
}

// Decode decodes the request's body into v as [UnmarshalStrict] does. Its error
// is an *[Error] with BadRequest, whose message says what is wrong, and also
// matches [crdt.ErrMalformed] for entries that are.
func (c *Call) Decode(v any) error {
	if err := unmarshalChecked(c.Request.Body, v, true); err != nil {
		return Errorf(BadRequest, "%s: body: %w", c.Request.Method, err)
	}
	return nil
}

// Send writes one response with code OK and more = true. It blocks while the
// caller does not read, for at most [FrameTimeout]. After an error the stream
// is of no further use, unless body is at fault: not encodable, or longer than
// a frame.
func (c *Call) Send(body any) error { return c.send(body, c.session.write) }

// Hold writes one response as Send does, but a small one may wait for the next, so
// that both are written at once.
func (c *Call) Hold(body any) error { return c.send(body, c.session.hold) }

func (c *Call) send(body any, write func(payload []byte) error) error {
	payload, err := encodeAnswer(body, true)
	if err == nil {
		err = write(payload)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", c.Request.Method, err)
	}
	return nil
}

// AfterReply has f called once the final response has been handed to the stream,
// or could not be; not if the handler panics. The last f given counts.
func (c *Call) AfterReply(f func()) { c.afterReply = f }

// UntilClosed makes this call the last one of its stream, and returns a context
// that is done when the caller closes its side, the stream breaks, ctx is done
// or cancel is called, which the handler must do in the end. A further request
// also ends the context, and the call with BadRequest. A handler that then
// returns nil or the context's error is answered for: OK if it was the caller
// that closed. At most once a call.
func (c *Call) UntilClosed(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	c.session.last = c.session.listen(ctx, cancel)
	return ctx, func() { cancel(context.Canceled) }
}

// lastCall waits for the caller's end of the stream.
type lastCall struct {
	done chan struct{} // closed when nothing reads any more
	err  error         // why; io.EOF if the caller closed its side; set before done is closed
}

// listen reads, for as long as it takes, what comes after the last request. The
// goroutine ends with the stream's reading side.
func (ss *session) listen(ctx context.Context, cancel context.CancelCauseFunc) *lastCall {
	l := &lastCall{done: make(chan struct{})}
	deadline := time.Time{}
	_ = ss.stream.SetReadDeadline(deadline) // where that fails, the read does too
	if ctx.Err() != nil {
		_ = ss.stream.SetReadDeadline(time.Now()) // may have been set, and just undone
	}
	go func() {
		if _, l.err = ss.in.Peek(1); l.err == nil {
			l.err = Errorf(BadRequest, "nothing may follow this request on its stream")
		}
		close(l.done) // before the handler wakes, whose answer depends on the reason
		cancel(l.err)
	}()
	return l
}

// outcome returns what a last call is to be answered with whose handler has
// returned err.
func (l *lastCall) outcome(err error) error {
	select {
	case <-l.done:
	default:
		return err
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	if l.err == io.EOF {
		return nil
	}
	if _, refused := errors.AsType[*Error](l.err); !refused {
		return fmt.Errorf("%w: %w", errCallerGone, l.err)
	}
	return l.err
}

// errCallerGone is matched by the error of a last call whose stream broke: its caller is
// not there any more, which is no fault of this city.
var errCallerGone = errors.New("caller has gone")
