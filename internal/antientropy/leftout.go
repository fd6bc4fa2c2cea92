package antientropy

import (
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/reconcile"
)

const (
	// leftOutFor is for how long what a full city has left out is not asked for again, and
	// whole states that were of no use are not exchanged again.
	leftOutFor = 30 * time.Minute
	// leftOutMax bounds the symbols that are remembered as left out, at about 40 bytes
	// each, and fruitlessMax the peers with which whole states were of no use. What is not
	// remembered is asked for once more.
	leftOutMax   = 64 << 10
	fruitlessMax = 1024
)

// A leftOut remembers what an incarnation had no room for. Its methods are safe for
// concurrent use.
type leftOut struct {
	mu          sync.Mutex // guards incarnation, until, fruitless
	incarnation crdt.Stamp
	until       map[uint64]time.Time // by symbol
	fruitless   map[peer.ID]fruitless
}

// A fruitless is an incarnation of a peer with which whole states were of no use.
type fruitless struct {
	incarnation crdt.Stamp
	until       time.Time
}

// options completes what a session of an incarnation with a peer may know.
func (l *leftOut) options(o *reconcile.Options, p peer.ID, incarnation crdt.Stamp, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.keepOnly(incarnation)
	if of := l.fruitless[p]; now.Before(of.until) {
		o.NotWhole = of.incarnation
	}
	if len(l.until) > 0 {
		o.LeftOut = func(symbol uint64) bool { return l.has(symbol, now) }
	}
}

// has reports whether the entry with a symbol was left out a while ago.
func (l *leftOut) has(symbol uint64, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return now.Before(l.until[symbol])
}

// ended notes how a session ended.
func (l *leftOut) ended(p peer.ID, incarnation crdt.Stamp, r reconcile.Result, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.keepOnly(incarnation)
	if len(l.until)+len(r.LeftOut) > leftOutMax || len(l.fruitless) >= fruitlessMax {
		l.forget(now)
	}
	for _, symbol := range r.LeftOut {
		if len(l.until) >= leftOutMax {
			break
		}
		l.until[symbol] = now.Add(leftOutFor)
	}
	if r.Fruitless() && len(l.fruitless) < fruitlessMax {
		l.fruitless[p] = fruitless{r.Peer.Incarnation, now.Add(leftOutFor)}
	}
}

// forget drops what may be asked for again. Callers hold mu.
func (l *leftOut) forget(now time.Time) {
	for symbol, until := range l.until {
		if !now.Before(until) {
			delete(l.until, symbol)
		}
	}
	for p, of := range l.fruitless {
		if !now.Before(of.until) {
			delete(l.fruitless, p)
		}
	}
}

// keepOnly forgets what another incarnation had no room for. Callers hold mu.
func (l *leftOut) keepOnly(incarnation crdt.Stamp) {
	if l.incarnation != incarnation || l.until == nil {
		l.incarnation = incarnation
		l.until, l.fruitless = make(map[uint64]time.Time), make(map[peer.ID]fruitless)
	}
}
