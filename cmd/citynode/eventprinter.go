package main

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/citynode/citynode/internal/logging"
)

const (
	// messagesMax is how many events may wait for a reader. A city with a hundred
	// changes a second fills it in ten; what comes beyond is counted.
	messagesMax = 1024
	// closeTimeout is how long the last events may take to be read.
	closeTimeout = time.Second
)

// A message is one event, for programs and for people.
type message struct {
	at      time.Time
	objects []any    // one JSON line each
	texts   []string // one line each
	color   string
	warn    bool // the texts are warnings, not results
	logged  bool // the node has logged what the texts say
	always  bool // told with --quiet too
}

// An eventPrinter prints what happens in a node. One goroutine writes, so that a
// reader that is slow or gone does not hold the node up; it begins when the node
// is ready, and ends with close.
type eventPrinter struct {
	g       *globals
	screen  *screen
	failed  func(error)       // called once, when nobody reads any more
	warn    func(text string) // says what is no result
	quiet   bool              // nothing is printed but the first message and the last
	failing bool              // the last message could not be written, and that was said

	onTerminal bool // what is printed is seen on a terminal, which may be closed
	queue      chan message
	dropped    atomic.Uint64
	first      message // set before begin is closed
	begin      chan struct{}
	end        chan struct{}
	done       chan struct{}
}

func newEventPrinter(g *globals, failed func(error)) *eventPrinter {
	onTerminal := isTerminal(g.stdout)
	if whole := *g; !onTerminal { // which is never full, and is asked for its colors
		whole.stdout = logging.NewUntorn(g.stdout)
		g = &whole
	}
	p := &eventPrinter{
		onTerminal: onTerminal,
		g:          g,
		screen:     newScreen(g),
		failed:     failed,
		warn:       func(text string) { g.notef("citynode: %s", printable(text)) },
		queue:      make(chan message, messagesMax),
		begin:      make(chan struct{}),
		end:        make(chan struct{}),
		done:       make(chan struct{}),
	}
	go p.serve()
	return p
}

// tell hands a message over without waiting. A message without JSON lines is no
// event, and one without texts none for people: nothing written is no sign that writing
// works.
func (p *eventPrinter) tell(m message) {
	if len(m.objects) == 0 || !p.g.json && len(m.texts) == 0 {
		return
	}
	select {
	case p.queue <- m:
	default:
		p.dropped.Add(1)
	}
}

// start lets the writing begin, with this message before all that have waited.
func (p *eventPrinter) start(first message) {
	p.first = first
	close(p.begin)
}

// close writes what is left, if somebody reads it, and ends the goroutine. The
// node must have ended.
func (p *eventPrinter) close() {
	close(p.end)
	select {
	case <-p.done:
	case <-time.After(closeTimeout): // the reader has stopped; the process ends anyway
	}
}

// serve owns standard output from begin to end. Its input is the queue.
func (p *eventPrinter) serve() {
	defer close(p.done)
	select {
	case <-p.begin:
	case <-p.end:
		return
	}
	if !p.write(p.first) {
		return
	}
	for {
		select {
		case m := <-p.queue:
			if !p.write(m) {
				return
			}
		case <-p.end:
			p.drain()
			return
		}
	}
}

func (p *eventPrinter) drain() {
	for {
		select {
		case m := <-p.queue:
			if !p.write(m) {
				return
			}
		default:
			return
		}
	}
}

// write prints one message, and before it how many were lost. It reports whether
// somebody reads. What cannot be written, as on a full disk, is lost too.
func (p *eventPrinter) write(m message) bool {
	lost := p.dropped.Swap(0)
	err := p.print(droppedMessage(m.at, lost))
	if err == nil {
		lost = 0
		err = p.print(m)
	}
	switch {
	case err == nil:
		p.failing = false
		return true
	case p.isGone(err):
		p.failed(err)
		return false
	}
	p.dropped.Add(lost + 1)
	if !p.failing {
		p.failing = true
		p.warn(fmt.Sprintf("events cannot be written, and are dropped until they can be: %v", err))
	}
	return true
}

// isGone reports whether the error of a write says that nobody is ever going to read: the
// pipe is closed, or the terminal.
func (p *eventPrinter) isGone(err error) bool {
	return errors.Is(err, syscall.EPIPE) || errors.Is(err, os.ErrClosed) || errors.Is(err, syscall.EIO) && p.onTerminal
}

func (p *eventPrinter) print(m message) error {
	if m.warn && !m.logged {
		for _, text := range m.texts {
			p.warn(text)
		}
	}
	if p.quiet && !m.always {
		return nil
	}
	if p.g.json {
		for _, object := range m.objects {
			if err := p.g.printJSON(object); err != nil {
				return err
			}
		}
		return nil
	}
	if m.warn {
		return nil
	}
	for _, text := range m.texts {
		if err := p.screen.line(m.at, text, m.color); err != nil {
			return err
		}
	}
	return nil
}
