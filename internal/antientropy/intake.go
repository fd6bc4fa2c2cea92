package antientropy

import (
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/internal/wake"
)

const (
	// turnWindow is over how long the pace of a turn is measured. A sender that stalls
	// or trickles costs the next in line so much. A line that hesitates for longer costs
	// bytes: then two send at once.
	turnWindow = 2 * time.Second
	// turnMax is the longest turn. A sender may claim any number of entries, so pace
	// alone would let one bad peer keep an empty city to itself. A line of 100 Mbit/s
	// carries some seven million heroes in that time. A transfer that takes longer goes
	// on, and shares the line with the next one.
	turnMax = time.Minute
)

// An intake lets one city at a time send its whole state to this one. Whoever comes
// meanwhile and has much to send waits, and then finds little that differs. So an empty
// city that meets many full ones is sent one state, and not one by each.
//
// A turn ends with its session. It lapses before where the sender is slower than
// sessionPace, or takes longer than turnMax: the session goes on, but the next in line
// need not wait for it.
type intake struct {
	free wake.Signal // is set when a turn ends
	// lapses count, against each peer, the turns that ended badly. With too many of
	// them a peer may send, but the others do not wait for it.
	lapses *strikes
	// refusals count the sessions in which a peer was about to send its whole state,
	// and was told to wait until this city asks for it.
	refusals *strikes

	mu   sync.Mutex // guards turn, and what it points to
	turn *turn      // nil if nobody has one
}

// A turn is one session in which this city is sent a whole state.
type turn struct {
	from peer.ID
	// asked says that this node began the session. Such a turn does not wait for one
	// that the sender began, or a stranger could keep this city from its own choice.
	asked bool
	begun time.Time
	moved uint64 // entries so far

	windowBegun time.Time
	windowMoved uint64 // entries when the window began
}

func newIntake(free wake.Signal) *intake {
	return &intake{free: free, lapses: newStrikes(), refusals: newStrikes()}
}

// take begins the turn of a peer. It reports false where another peer has its turn. The
// caller then gives the session up, or else calls end once.
func (i *intake) take(p peer.ID, asked bool, now time.Time) (*turn, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.lapse(now)
	if i.turn != nil && (i.turn.asked || !asked) {
		return nil, false
	}
	t := &turn{from: p, asked: asked, begun: now, windowBegun: now}
	if !i.lapses.barred(p, now) {
		i.turn = t
	}
	return t, true
}

// note notes how many entries a turn has brought so far.
func (i *intake) note(t *turn, moved uint64) {
	i.mu.Lock()
	defer i.mu.Unlock()
	t.moved = moved
}

// end ends a turn. A turn whose session failed counts against the peer.
func (i *intake) end(t *turn, failed bool, now time.Time) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.turn != t {
		return // it has lapsed, or another has taken its place
	}
	i.turn = nil
	if failed {
		i.lapses.add(t.from, now)
	}
	i.free.Set()
}

// held reports whether a city has its turn for which this node had asked, and after how
// long at most to look again whether it has lapsed. Until then sessions with others go
// on only where little differs: what is missing is on its way.
func (i *intake) held(now time.Time) (again time.Duration, held bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.lapse(now)
	if i.turn == nil || !i.turn.asked {
		return idleEvery, false
	}
	return max(i.turn.windowBegun.Add(turnWindow).Sub(now), time.Millisecond), true
}

// lapse ends the present turn if it is too slow or too long. A peer that takes too long
// is not waited for again soon: it is far from here, or makes entries up. Callers hold mu.
func (i *intake) lapse(now time.Time) {
	switch {
	case i.turn == nil:
	case now.Sub(i.turn.begun) >= turnMax:
		i.lapses.bar(i.turn.from, now)
		i.turn = nil
	case i.turn.slow(now):
		i.lapses.add(i.turn.from, now)
		i.turn = nil
	}
}

// slow reports whether the turn moved too little in the window that ends now, and begins
// the next window.
func (t *turn) slow(now time.Time) bool {
	window := now.Sub(t.windowBegun)
	if window < turnWindow {
		return false
	}
	took := time.Duration(t.moved-t.windowMoved) * time.Second / sessionPace // at that pace
	t.windowBegun, t.windowMoved = now, t.moved
	return took < window
}
