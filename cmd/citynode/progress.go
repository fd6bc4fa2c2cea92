package main

import (
	"fmt"
	"time"
)

// progressEvery is the pause between two looks at how far a command has come.
const progressEvery = 200 * time.Millisecond

// A progress tells a person at a terminal how far a command has come, in one line, which is
// gone in the end. A program is told nothing.
type progress struct {
	g     *globals // nil: nobody is there to see it
	what  string
	of    uint64
	shown time.Time
}

// newProgress returns the progress of a command that has come so far when that many are
// done.
func (g *globals) newProgress(what string, of uint64) *progress {
	p := &progress{what: what, of: of, shown: time.Now()}
	if !g.json && isTerminal(g.stderr) {
		p.g = g
	}
	return p
}

// at says that so many are done.
func (p *progress) at(n uint64) {
	if p.g == nil || p.of == 0 || time.Since(p.shown) < progressEvery {
		return
	}
	p.shown = time.Now()
	fmt.Fprintf(p.g.stderr, "\r%s %d of %d (%d%%)\033[K", p.what, n, p.of, 100*n/p.of)
}

// end takes the line away.
func (p *progress) end() {
	if p.g != nil {
		fmt.Fprint(p.g.stderr, "\r\033[K")
	}
}
