package main

import (
	"sync/atomic"
	"time"
)

const (
	// talesMax is how many events may wait for a reader. A city with a hundred
	// changes a second fills it in ten; what comes beyond is counted.
	talesMax = 1024
	// lastWords is how long the last events may take to be read.
	lastWords = time.Second
)

// tale is one event, for programs and for people.
type tale struct {
	at    time.Time
	forms []any    // one JSON line each
	texts []string // one line each
	color string
	warn  bool // the texts are messages, not results
}

// teller prints what happens in a node. One goroutine writes, so that a reader
// that is slow or gone does not hold the node up; it begins when the node is
// ready, and ends with close.
type teller struct {
	g       *globals
	screen  *screen
	failed  func(error) // called once, when nobody reads any more
	queue   chan tale
	dropped atomic.Uint64
	first   tale // set before begin is closed
	begin   chan struct{}
	end     chan struct{}
	done    chan struct{}
}

func newTeller(g *globals, failed func(error)) *teller {
	t := &teller{
		g:      g,
		screen: newScreen(g),
		failed: failed,
		queue:  make(chan tale, talesMax),
		begin:  make(chan struct{}),
		end:    make(chan struct{}),
		done:   make(chan struct{}),
	}
	go t.serve()
	return t
}

// tell hands an event over without waiting. One without a form is no event.
func (t *teller) tell(x tale) {
	if len(x.forms) == 0 {
		return
	}
	select {
	case t.queue <- x:
	default:
		t.dropped.Add(1)
	}
}

// start lets the writing begin, with this before all that has waited.
func (t *teller) start(first tale) {
	t.first = first
	close(t.begin)
}

// close writes what is left, if somebody reads it, and ends the goroutine. The
// node must have ended.
func (t *teller) close() {
	close(t.end)
	select {
	case <-t.done:
	case <-time.After(lastWords): // the reader has stopped; the process ends anyway
	}
}

// serve owns standard output from begin to end. Its input is the queue.
func (t *teller) serve() {
	defer close(t.done)
	select {
	case <-t.begin:
	case <-t.end:
		return
	}
	if !t.write(t.first) {
		return
	}
	for {
		select {
		case x := <-t.queue:
			if !t.write(x) {
				return
			}
		case <-t.end:
			t.drain()
			return
		}
	}
}

func (t *teller) drain() {
	for {
		select {
		case x := <-t.queue:
			if !t.write(x) {
				return
			}
		default:
			return
		}
	}
}

// write prints one event, and before it how many were lost, and tells whether
// somebody reads.
func (t *teller) write(x tale) bool {
	var err error
	if n := t.dropped.Swap(0); n > 0 {
		err = t.print(droppedTale(x.at, n))
	}
	if err == nil {
		err = t.print(x)
	}
	if err != nil {
		t.failed(err)
	}
	return err == nil
}

func (t *teller) print(x tale) error {
	if t.g.json {
		for _, form := range x.forms {
			if err := t.g.printJSON(form); err != nil {
				return err
			}
		}
		return nil
	}
	for _, text := range x.texts {
		if x.warn {
			t.g.notef("citynode: %s", printable(text))
			continue
		}
		if err := t.screen.line(x.at, text, x.color); err != nil {
			return err
		}
	}
	return nil
}
