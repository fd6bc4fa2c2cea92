package node

import (
	"context"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
)

// witnessesMin is how many other cities it takes to judge the own clock: one
// may be wrong itself.
const witnessesMin = 2

// reading is what the clock of another city showed at a moment; delays make that
// earlier than the truth.
type reading struct {
	shown time.Time
	at    time.Time // by the time that this process runs, which does not jump
}

func readNow(shown crdt.Stamp) reading { return reading{shown: shown.Time(), at: time.Now()} }

// now is what that clock shows now, whatever the own clock has done meanwhile.
func (r reading) now() time.Time { return r.shown.Add(time.Since(r.at)) }

// clock notes what a city's clock shows.
func (d *directory) clock(p peer.ID, shown crdt.Stamp) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if e, ok := d.cities[p]; ok {
		e.clock = readNow(shown)
	}
}

// ahead is how far the own clock, which shows now, is ahead of all the living, at
// least, and whether there are enough of them to say so.
func (d *directory) ahead(now time.Time) (time.Duration, bool) {
	alive := d.alive()
	if len(alive) < witnessesMin {
		return 0, false
	}
	least := now.Sub(alive[0].clock.now())
	for _, e := range alive[1:] {
		least = min(least, now.Sub(e.clock.now()))
	}
	return least, true
}

// judgeClock tells the city whether to trust its clock: not if at least two
// others, and all of them, have clocks that are far behind it.
func (n *Node) judgeClock(ctx context.Context) {
	reason := ""
	if skew, known := n.directory.ahead(n.cfg.Now()); known && skew > city.FutureSkewMax {
		reason = fmt.Sprintf("it is at least %v ahead of the clocks of all other cities; set the clock of this machine",
			skew.Round(time.Second))
	}
	inc, err := n.city.Current()
	if err != nil {
		return // the next incarnation is told a second later
	}
	_, _ = inc.Do(ctx, city.Suspect{Reason: reason}) // fails only if that incarnation has just ended
}
