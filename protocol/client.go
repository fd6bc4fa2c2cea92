package protocol

import (
	"context"
	"errors"
	"fmt"

	"github.com/citynode/citynode/crdt"
)

// Errors of a client that callers branch on. Those of calls that a city has
// answered are an *Error.
var (
	// ErrStreamClosed is matched by the error of every call whose final response
	// did not come before the stream ended, and of every call after that. A
	// request may or may not have been executed; a new stream is needed.
	ErrStreamClosed = errors.New("stream closed")
	// ErrBadResponse is matched, besides ErrStreamClosed, by the errors of a
	// stream that was ended because what came was not a response to what was
	// asked.
	ErrBadResponse = errors.New("bad response")
	// ErrWatching is returned for calls on a stream that a watch has taken.
	ErrWatching = errors.New("stream is taken by a watch")
)

// Client makes calls over one stream. It may be used by several goroutines at
// once; their requests are sent one behind the other without waiting for
// answers, and answered in that order, so a call that takes long (settle) is
// better made on a stream of its own.
//
// A call whose context ends returns at once. Its answers are read and dropped
// when they come; if they have not come FrameTimeout later, and it is theirs to
// come, the stream is ended. If its request was only partly written, the stream
// is ended at once. A response code other than OK is returned as an *[Error].
type Client struct {
	pipe *pipeline
	city string
}

// NewClient returns a client that owns stream, and starts the goroutine that
// reads it. Close ends both.
func NewClient(stream Stream) *Client { return &Client{pipe: newPipeline(stream)} }

// City returns a client on the same stream whose requests name the city that is
// meant, so that any other answers with WrongCity. "" names none.
func (c *Client) City(name string) *Client { return &Client{pipe: c.pipe, city: name} }

// Close ends the stream, and with it all calls that are not answered. Its error
// is always nil.
func (c *Client) Close() error {
	c.pipe.close()
	return nil
}

// Done returns a channel that is closed when the stream has ended, for whatever
// reason.
func (c *Client) Done() <-chan struct{} { return c.pipe.done }

// Unanswered reports whether nothing has come yet in answer to the oldest request that is
// open. A watch that is live has begun to be answered.
func (c *Client) Unanswered() bool { return c.pipe.unanswered() }

// request returns the frame of a request. A nil body is left out.
func (c *Client) request(method string, id crdt.ID, body any) ([]byte, error) {
	r := Request{Method: method, ID: id, City: c.city}
	payload, err := encodeRequest(&r, body)
	if err != nil {
		return nil, err
	}
	if len(payload) > FrameBytesMax {
		return nil, Errorf(TooLarge, "request of %d bytes, at most %d are allowed", len(payload), FrameBytesMax)
	}
	return payload, nil
}

// start sends a request.
func (c *Client) start(ctx context.Context, method string, id crdt.ID, body any) (*exchange, error) {
	payload, err := c.request(method, id, body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", method, err)
	}
	x := newExchange(method)
	if err := c.pipe.send(ctx, x, payload); err != nil {
		return nil, fmt.Errorf("%s: %w", method, err)
	}
	return x, nil
}

// each calls f with the body of each response of a call, with more = false for the
// last one, until the call is over or f fails.
func (c *Client) each(ctx context.Context, x *exchange, f func(body RawItem, more bool) error) error {
	for {
		r, err := c.pipe.receive(ctx, x)
		if err == nil {
			err = f(r.Body, r.More)
		}
		if err != nil {
			c.pipe.abandon(x)
			return fmt.Errorf("%s: %w", x.method, err)
		}
		if !r.More {
			return nil
		}
	}
}

// decode decodes a body of a response, or ends the stream: a city that sends
// one thing for another is not to be believed in the next.
func (c *Client) decode(body RawItem, v any) error {
	if err := unmarshalChecked(body, v, false); err != nil {
		return c.pipe.fail(fmt.Errorf("%w: body: %w", ErrBadResponse, err))
	}
	return nil
}

// only waits for the response of a call that has just one.
func only[T any](ctx context.Context, c *Client, x *exchange) (reply T, err error) {
	err = c.each(ctx, x, func(body RawItem, more bool) error {
		if more {
			return c.pipe.fail(fmt.Errorf("%w: more responses than one", ErrBadResponse))
		}
		return c.decode(body, &reply)
	})
	return reply, err
}

// unary makes a call that has one response.
func unary[T any](ctx context.Context, c *Client, method string, id crdt.ID, body any) (reply T, err error) {
	x, err := c.start(ctx, method, id, body)
	if err != nil {
		return reply, err
	}
	return only[T](ctx, c, x)
}
