package logging

import (
	"bytes"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// linesMax is how many lines may wait to be written: some seconds of a log at debug, and
// about a mebibyte of usual lines.
const linesMax = 4096

// Lines is a writer that never waits. One goroutine, Serve, writes to the writer behind
// it. What does not fit into its queue meanwhile, or cannot be written, is dropped and
// counted, and the next line that is written has the count before it. Make it with
// NewLines.
type Lines struct {
	w       io.Writer
	counted func(lost uint64) []byte
	queue   chan []byte
	lost    atomic.Uint64

	first              []byte // set before begin is closed
	begin, end         chan struct{}
	beginOnce, endOnce sync.Once
	done               chan struct{}
}

// NewLines returns a writer of whole lines to w, which starts with Begin. counted returns
// the line that says how many were lost.
func NewLines(w io.Writer, counted func(lost uint64) []byte) *Lines {
	return &Lines{
		w: NewUntorn(w), counted: counted, queue: make(chan []byte, linesMax),
		begin: make(chan struct{}), end: make(chan struct{}), done: make(chan struct{}),
	}
}

// Write takes a whole line, as a slog handler writes it. It always succeeds.
func (l *Lines) Write(line []byte) (int, error) {
	select {
	case l.queue <- bytes.Clone(line):
	default:
		l.lost.Add(1)
	}
	return len(line), nil
}

// Begin has this line written first, if it is not empty, then all that wait. Only the
// first call counts.
func (l *Lines) Begin(first []byte) {
	l.beginOnce.Do(func() {
		l.first = first
		close(l.begin)
	})
}

// Serve writes until Close is called. Call it once.
func (l *Lines) Serve() {
	defer close(l.done)
	select {
	case <-l.begin:
		if len(l.first) > 0 {
			l.write(l.first)
		}
	case <-l.end:
	}
	for {
		select {
		case line := <-l.queue:
			l.write(line)
		case <-l.end:
			l.drain()
			return
		}
	}
}

func (l *Lines) drain() {
	for {
		select {
		case line := <-l.queue:
			l.write(line)
		default:
			return
		}
	}
}

// Close has what waits written and ends Serve. It waits for that for a time at most:
// whoever reads may have stopped.
func (l *Lines) Close(timeout time.Duration) {
	l.endOnce.Do(func() { close(l.end) })
	late := time.NewTimer(timeout)
	defer late.Stop()
	select {
	case <-l.done:
	case <-late.C:
	}
}

func (l *Lines) write(line []byte) {
	if lost := l.lost.Swap(0); lost > 0 {
		if _, err := l.w.Write(l.counted(lost)); err != nil {
			l.lost.Add(lost + 1)
			return
		}
	}
	if _, err := l.w.Write(line); err != nil {
		l.lost.Add(1)
	}
}

// An Untorn is a writer of whole lines that parts a line from one of which only the
// beginning could be written, as on a full disk. Make it with NewUntorn.
type Untorn struct {
	w    io.Writer
	torn bool
}

// NewUntorn returns a writer of whole lines to w.
func NewUntorn(w io.Writer) *Untorn { return &Untorn{w: w} }

// Write writes a whole line, or returns the error of the writer behind.
func (u *Untorn) Write(line []byte) (int, error) {
	if u.torn {
		if _, err := u.w.Write([]byte("\n")); err != nil {
			return 0, err
		}
		u.torn = false
	}
	n, err := u.w.Write(line)
	u.torn = n > 0 && n < len(line)
	return n, err
}
