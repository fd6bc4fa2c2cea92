package protocol

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/citynode/citynode/internal/loglimit"
)

// Handler answers calls. It is called from the goroutine of each stream, so
// from several at once, but never twice at once for one stream.
type Handler interface {
	// ServeCall answers one call: body, if not nil, goes into the final response.
	// An error that has an *Error in its tree is answered with its code and
	// message; an error of a context that is done with Unavailable; any other is
	// logged and answered with Internal and a message that says no more. ctx is
	// done when the server is to stop; it has no deadline.
	ServeCall(ctx context.Context, call *Call) (body any, err error)
}

// Stream is one full-duplex stream: a libp2p stream, or anything that behaves
// like one. One goroutine may read while another writes; Close and Reset may be
// called at any time and interrupt both.
type Stream interface {
	io.ReadWriter
	// CloseWrite ends the writing side; the other side then reads io.EOF.
	CloseWrite() error
	// Close closes both directions and releases the stream. What was written
	// still arrives.
	Close() error
	// Reset aborts both directions and releases the stream. What was written
	// may be lost.
	Reset() error
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
}

// Server answers the calls of streams that others have opened.
type Server struct {
	// City is the name of the city that answers. Requests that name another are
	// answered with WrongCity.
	City string
	// Handler answers the calls. Required.
	Handler Handler
	// Logger is told of faults of this city (Error) and of calls (Debug). nil: silent.
	Logger *slog.Logger
	// CallerName returns how the log names a caller. nil: as it is.
	CallerName func(caller string) string
}

// Serve answers the calls of stream one after another until the caller closes
// its side, breaks a rule that makes the rest unreadable, is idle for
// [IdleTimeout] or slow for [FrameTimeout], or ctx is done; in all cases it has
// closed or reset the stream when it returns. A call that runs when ctx ends is
// given ctx's end, and a second to be answered. caller is put into each Call.
//
// The error says why the stream ended, for a log of rarely more than debug
// level; it is nil if the caller closed its side between two frames.
func (s *Server) Serve(ctx context.Context, stream Stream, caller string) error {
	log := s.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	name := caller
	if s.CallerName != nil {
		name = s.CallerName(caller)
	}
	ss := newSession(s, stream, caller, log.With(loglimit.By("caller", name)))
	stopWaking := wakeOnDone(ctx, stream)
	err := ss.answerAll(ctx)
	stopWaking()
	return ss.end(err)
}
