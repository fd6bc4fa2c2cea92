package protocol

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"
)

// session is the serving of one stream. The goroutine of Serve owns it; while a
// call is the last of its stream, the goroutine of its lastCall reads from in.
type session struct {
	server *Server
	stream Stream
	in     *bufio.Reader
	caller string
	log    *slog.Logger
	last   *lastCall // nil until a call has said that it is the last

	readBy   time.Time // the read deadline that is set; zero: none
	out      frameWriter
	writeErr error // of the first write that failed
}

// vagueMessage says no more of a fault than that there was one: its details may
// be nobody's business, and are in the log.
const vagueMessage = "the city failed on this call"

// errLastCall ends a stream whose last call has been answered.
var errLastCall = errors.New("last call answered")

func newSession(s *Server, stream Stream, caller string, log *slog.Logger) *session {
	return &session{
		server: s, stream: stream, in: bufio.NewReader(stream), caller: caller, log: log,
		out: frameWriter{stream: stream},
	}
}

// answerAll reads frames and answers them until one of them, or the stream,
// gives a reason to stop, which it returns.
func (ss *session) answerAll(ctx context.Context) error {
	for {
		payload, err := ss.nextFrame(ctx)
		if err != nil {
			return ss.refuseUnreadable(err)
		}
		if err := ss.answer(ctx, payload); err != nil {
			return err
		}
	}
}

// nextFrame waits for a frame as long as a caller may be idle, then reads it in
// the time that a frame has. Before each wait it looks at ctx, whose end sets
// the read deadline that it may just have overwritten.
func (ss *session) nextFrame(ctx context.Context) ([]byte, error) {
	err := ss.await(ctx)
	if err == nil && !frameBuffered(ss.in) {
		err = ss.readUntil(ctx, time.Now().Add(FrameTimeout))
	}
	if err != nil {
		return nil, err
	}
	payload, err := ReadFrame(ss.in, FrameBytesMax)
	if isTimeout(err) {
		err = stopReason(ctx, "frame took longer than %v", FrameTimeout)
	}
	return payload, err
}

// await waits for a frame's first byte. To set a deadline costs a stream a
// timer, so an earlier one is reused, and only when that has come, the one of this
// wait is set.
func (ss *session) await(ctx context.Context) error {
	if ss.in.Buffered() > 0 {
		return ctx.Err()
	}
	end := time.Now().Add(IdleTimeout)
	for reused := !ss.readBy.IsZero(); ; reused = false {
		if !reused {
			if err := ss.readUntil(ctx, end); err != nil {
				return err
			}
		}
		_, err := ss.in.Peek(1)
		switch {
		case !isTimeout(err):
			return err
		case !reused || ctx.Err() != nil:
			return stopReason(ctx, "idle for %v", IdleTimeout)
		}
	}
}

func (ss *session) readUntil(ctx context.Context, end time.Time) error {
	if err := ss.stream.SetReadDeadline(end); err != nil {
		return fmt.Errorf("set read deadline: %w", err)
	}
	ss.readBy = end
	return ctx.Err()
}

// stopReason returns why a read ended early: ctx is done, or else the deadline
// had come.
func stopReason(ctx context.Context, format string, timeout time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return &timeoutError{fmt.Sprintf(format, timeout)}
}

// timeoutError ends a stream whose caller was too slow for one of our deadlines.
type timeoutError struct{ text string }

func (e *timeoutError) Error() string { return e.text }

// isTimeout reports whether err is of a deadline. Not every muxer's error
// matches os.ErrDeadlineExceeded (yamux's does not), but all have this method.
func isTimeout(err error) bool {
	timeout, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	return ok && timeout.Timeout()
}

// refuseUnreadable answers what is no frame at all, and returns err.
func (ss *session) refuseUnreadable(err error) error {
	if refusal, ok := errors.AsType[*Error](err); ok {
		if err := ss.write(must(Marshal(Response{Code: refusal.Code, Message: refusal.Message}))); err != nil {
			return err
		}
	}
	return err
}

// answer answers one frame. An error ends the stream.
func (ss *session) answer(ctx context.Context, payload []byte) error {
	call := &Call{Caller: ss.caller, session: ss}
	err := ss.parse(payload, &call.Request)
	if errors.Is(err, errNotWellFormed) {
		return ss.refuseUnreadable(Errorf(BadRequest, "%v", err))
	}
	if err != nil {
		return ss.write(ss.refusal(ctx, call.Request.Method, err))
	}
	err = ss.write(ss.serve(ctx, call))
	if call.afterReply != nil {
		call.afterReply()
	}
	if err == nil && ss.last != nil {
		return errLastCall
	}
	return err
}

// parse reads a request into r and checks all that does not depend on its
// method's body. Its error is an *Error, or matches errNotWellFormed.
func (ss *session) parse(payload []byte, r *Request) error {
	if err := Check(payload); err != nil {
		if errors.Is(err, errNotWellFormed) {
			return err
		}
		return Errorf(BadRequest, "request: %v", err)
	}
	if err := unmarshalChecked(payload, r, true); err != nil {
		return Errorf(BadRequest, "request: %v", err)
	}
	m, known := methods[r.Method]
	hasBody := m.request != nil
	switch {
	case r.City != "" && r.City != ss.server.City:
		return Errorf(WrongCity, "this is the city %s, not %s", ss.server.City, r.City)
	case !known:
		return Errorf(Unsupported, "method %q is unknown", clip(r.Method, methodShownMax))
	case hasBody && r.Body == nil:
		return Errorf(BadRequest, "%s: the body (key 3) is missing", r.Method)
	case !hasBody && r.Body != nil:
		return Errorf(BadRequest, "%s: has no body (key 3)", r.Method)
	}
	return nil
}

// serve runs the handler and returns the final response's frame.
func (ss *session) serve(ctx context.Context, call *Call) []byte {
	body, err := ss.run(ctx, call)
	if ss.last != nil {
		err = ss.last.outcome(err)
	}
	if err == nil {
		var payload []byte
		if payload, err = encodeAnswer(body, false); err == nil {
			return payload
		}
	}
	return ss.refusal(ctx, call.Request.Method, err)
}

// run calls the handler and turns its panic into an error: one call's fault is
// not to end the calls of others, nor the stream's next one.
func (ss *session) run(ctx context.Context, call *Call) (body any, err error) {
	defer func() {
		if p := recover(); p != nil {
			ss.log.Error("call panicked", "method", call.Request.Method, "stack", string(debug.Stack()), "err", p)
			err = Errorf(Internal, vagueMessage)
		}
	}()
	return ss.server.Handler.ServeCall(ctx, call)
}

// refusal returns the frame that answers a call with an error.
func (ss *session) refusal(ctx context.Context, method string, err error) []byte {
	r := Response{Code: Internal, Message: vagueMessage}
	known, ok := errors.AsType[*Error](err)
	switch {
	case ok && known.Code != OK:
		r = Response{Code: known.Code, Message: plainText(known.Message)}
	case ctx.Err() != nil, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		r = Response{Code: Unavailable, Message: "the city stopped or took too long"}
	case errors.Is(err, errWriteFrame), errors.Is(err, errCallerGone): // nobody reads this answer either
		ss.log.Debug("caller has gone", "method", method, "err", err)
	default:
		ss.log.Error("call failed", "method", method, "err", err)
	}
	return must(Marshal(r)) // of a number and a text
}

// encodeAnswer returns the frame of a response with code OK. A nil body is left
// out.
func encodeAnswer(body any, more bool) ([]byte, error) {
	payload, err := encodeResponse(&Response{More: more}, body)
	if err != nil {
		return nil, err
	}
	if len(payload) > FrameBytesMax {
		return nil, fmt.Errorf("response of %d bytes, at most %d are allowed", len(payload), FrameBytesMax)
	}
	return payload, nil
}

// write writes a frame in the time that a frame has. Once that has failed, part
// of a frame may be out, and nothing else is written.
func (ss *session) write(payload []byte) error {
	if ss.writeErr == nil {
		ss.writeErr = ss.out.write(context.Background(), payload) // what ends ctx does not end the answers
	}
	return ss.writeErr
}

// hold does what write does, for a frame that may wait for the next one.
func (ss *session) hold(payload []byte) error {
	if ss.writeErr == nil {
		ss.writeErr = ss.out.hold(context.Background(), payload)
	}
	return ss.writeErr
}
