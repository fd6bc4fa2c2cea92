package protocol

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/citynode/citynode/crdt"
)

// pipeline sends requests and hands the responses to those who wait for them, in
// the order of the requests. The goroutine of readAll owns the reading side; who
// holds the turn owns the writing side.
type pipeline struct {
	stream Stream
	in     *bufio.Reader
	timed  bool          // a read deadline is set
	out    frameWriter   // guarded by turn
	turn   chan struct{} // holds one token: the right to queue an exchange and write its frame
	room   chan struct{} // a token for each exchange that is not answered
	taken  bool          // a watch has been sent; guarded by turn
	lastID atomic.Uint64

	mu    sync.Mutex  // guards queue, err
	queue []*exchange // not wholly answered, oldest first; at most cap(room)
	err   error       // why the stream ended

	done  chan struct{} // closed once err is set
	ended chan struct{} // closed when readAll has returned
}

// exchange is a request and the responses to it.
type exchange struct {
	method    string
	responses chan *Response // capacity 1
	abandoned bool           // nobody waits any more; guarded by the pipeline's mu
	answered  bool           // a response has come; guarded by the pipeline's mu
}

func newExchange(method string) *exchange {
	return &exchange{method: method, responses: make(chan *Response, 1)}
}

func newPipeline(stream Stream) *pipeline {
	p := &pipeline{
		stream: stream,
		in:     bufio.NewReader(stream),
		out:    frameWriter{stream: stream},
		turn:   make(chan struct{}, 1),
		room:   make(chan struct{}, pipelineMax),
		done:   make(chan struct{}),
		ended:  make(chan struct{}),
	}
	go p.readAll()
	return p
}

// nextID returns an ID for a request that is never repeated. Its first half is
// zero, so that it is no UUID that a caller chooses.
func (p *pipeline) nextID() (id crdt.ID) {
	binary.BigEndian.PutUint64(id[8:], p.lastID.Add(1))
	return id
}

// send queues x and writes its request.
func (p *pipeline) send(ctx context.Context, x *exchange, payload []byte) error {
	if err := p.acquire(ctx, p.room); err != nil {
		return err
	}
	if err := p.acquire(ctx, p.turn); err != nil {
		<-p.room
		return err
	}
	defer func() { <-p.turn }()
	if p.taken {
		<-p.room
		return ErrWatching
	}
	p.taken = x.method == MethodWatch
	p.mu.Lock()
	p.queue = append(p.queue, x)
	p.mu.Unlock()
	return p.write(ctx, payload)
}

// acquire puts a token into tokens as soon as there is room for it.
func (p *pipeline) acquire(ctx context.Context, tokens chan struct{}) error {
	select {
	case <-p.done:
		return p.cause()
	default:
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case tokens <- struct{}{}:
		return nil
	default:
	}
	select {
	case tokens <- struct{}{}:
		return nil
	case <-p.done:
		return p.cause()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// write writes one frame. One that is not written whole, because ctx has ended
// or FrameTimeout is over, ends the stream.
func (p *pipeline) write(ctx context.Context, payload []byte) error {
	stop := p.wakeOnDone(ctx)
	err := p.out.write(ctx, payload)
	stop()
	if err == nil {
		return nil
	}
	err = p.fail(err)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// wakeOnDone has ctx's end set the write deadline, until stop is called.
func (p *pipeline) wakeOnDone(ctx context.Context) (stop func()) {
	if ctx.Done() == nil {
		return func() {}
	}
	woken := make(chan struct{})
	cancel := context.AfterFunc(ctx, func() {
		defer close(woken)
		_ = p.stream.SetWriteDeadline(time.Now())
	})
	return func() {
		if !cancel() {
			<-woken // or else the next write would be woken
			p.out.by = time.Time{}
		}
	}
}

// receive waits for the next response to x. One with a code other than OK is
// returned as an *Error, and is the last.
func (p *pipeline) receive(ctx context.Context, x *exchange) (*Response, error) {
	var r *Response
	select {
	case r = <-x.responses:
	default:
		select {
		case r = <-x.responses:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-p.done:
			select {
			case r = <-x.responses: // it had come before the end
			default:
				return nil, p.cause()
			}
		}
	}
	if r.Code != OK {
		return nil, &Error{Code: r.Code, Message: plainText(r.Message)}
	}
	return r, nil
}

// abandon says that nobody waits for responses to x any more, which it may have
// got all the same.
func (p *pipeline) abandon(x *exchange) {
	p.mu.Lock()
	again := x.abandoned
	x.abandoned = true
	p.mu.Unlock()
	if again {
		return
	}
	select {
	case <-x.responses: // makes room for one that readAll may be about to hand over
	default:
	}
	if p.place(x) >= 0 {
		time.AfterFunc(FrameTimeout, func() { p.expire(x) })
	}
}

// expire ends the stream if it is kept from use by a call that nobody waits for.
func (p *pipeline) expire(x *exchange) {
	switch place := p.place(x); {
	case place == 0:
		_ = p.fail(fmt.Errorf("%s was given up and not answered in %v", x.method, FrameTimeout))
	case place > 0:
		time.AfterFunc(FrameTimeout, func() { p.expire(x) })
	}
}

// place returns how many calls are to be answered before x, or -1 if none of x
// is to come.
func (p *pipeline) place(x *exchange) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return -1
	}
	return slices.Index(p.queue, x)
}

// unanswered reports whether the oldest call that is open has got no response.
func (p *pipeline) unanswered() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.queue) > 0 && !p.queue[0].answered
}

// readAll hands out responses until the stream ends.
func (p *pipeline) readAll() {
	defer close(p.ended)
	for {
		r, err := p.read()
		if err == io.EOF {
			_ = p.finish(err, p.stream.Close)
			return
		}
		if err != nil {
			_ = p.fail(err)
			return
		}
		x, wanted := p.next(!r.More)
		if x == nil {
			_ = p.fail(fmt.Errorf("%w: to no request", ErrBadResponse))
			return
		}
		if !wanted {
			continue
		}
		select {
		case x.responses <- r:
		case <-p.done:
			return
		}
	}
}

// next returns the exchange that a response belongs to, nil if there is none,
// and whether anybody waits for it. With its last response it takes it out of
// the queue.
func (p *pipeline) next(last bool) (x *exchange, wanted bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queue) == 0 {
		return nil, false
	}
	x = p.queue[0]
	x.answered = true
	if last {
		p.queue = slices.Delete(p.queue, 0, 1)
		<-p.room
	}
	return x, !x.abandoned
}

// read reads one response. It may take as long to begin as it likes.
func (p *pipeline) read() (*Response, error) {
	if err := p.awaitFrame(); err != nil {
		return nil, err
	}
	payload, err := ReadFrame(p.in, FrameBytesMax)
	if err != nil {
		if refusal, ok := errors.AsType[*Error](err); ok {
			err = fmt.Errorf("%w: %s", ErrBadResponse, refusal.Message)
		}
		return nil, err
	}
	r := new(Response)
	if err := UnmarshalLenient(payload, r); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadResponse, err)
	}
	return r, nil
}

// awaitFrame waits for a frame's first byte, and sets a deadline for those that
// have not come yet.
func (p *pipeline) awaitFrame() error {
	if p.timed {
		if err := p.stream.SetReadDeadline(time.Time{}); err != nil {
			return err
		}
		p.timed = false
	}
	if _, err := p.in.Peek(1); err != nil || frameBuffered(p.in) {
		return err
	}
	p.timed = true
	return p.stream.SetReadDeadline(time.Now().Add(FrameTimeout))
}

// fail ends the stream because of err, unless it has ended, and returns why it
// did.
func (p *pipeline) fail(err error) error {
	return p.finish(err, p.stream.Reset)
}

// close ends the stream because its owner wants it, and joins readAll.
func (p *pipeline) close() {
	release := p.stream.Close
	if p.waiting() {
		release = p.stream.Reset // lets the other side stop working for nobody
	}
	_ = p.finish(errors.New("by its owner"), release)
	<-p.ended
}

// finish ends the stream with release, if nothing has ended it before.
func (p *pipeline) finish(err error, release func() error) error {
	p.mu.Lock()
	first := p.err == nil
	if first {
		p.err = fmt.Errorf("%w: %w", ErrStreamClosed, err)
		close(p.done)
	}
	err = p.err
	p.mu.Unlock()
	if first {
		_ = release() // the stream is given up either way
	}
	return err
}

// endWatch closes the writing side, which ends a watch, and the stream as soon
// as the other side has closed too, at the latest after CloseTimeout.
func (p *pipeline) endWatch() {
	if err := p.stream.CloseWrite(); err == nil {
		timer := time.NewTimer(CloseTimeout)
		defer timer.Stop()
		select {
		case <-p.ended:
		case <-timer.C:
		}
	}
	p.close()
}

// cause returns why the stream has ended; nil before that.
func (p *pipeline) cause() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

func (p *pipeline) waiting() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.queue) > 0
}
