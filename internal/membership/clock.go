package membership

import (
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/protocol"
)

// witnessesMin is how many other cities it takes to judge the own clock: a single
// one may be wrong itself.
const witnessesMin = 2

// A reading is what the clock of another city showed at a moment. The delay of the
// message makes the reading earlier than the truth.
type reading struct {
	shown time.Time
	at    time.Time // the moment, on the monotonic clock, which does not jump
}

func readNow(shown crdt.Stamp) reading { return reading{shown: shown.Time(), at: time.Now()} }

// now returns what that clock shows now, whatever the own clock has done since.
func (r reading) now() time.Time { return r.shown.Add(time.Since(r.at)) }

// NoteClock notes what a city's clock shows now.
func (d *Directory) NoteClock(p peer.ID, shown crdt.Stamp) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if e, ok := d.cities[p]; ok {
		e.clock = readNow(shown)
	}
}

// Ahead returns by how much, at least, the own clock, which shows now, is ahead of
// the clocks of all cities that are alive or suspect. It reports false where fewer than
// two are.
func (d *Directory) Ahead(now time.Time) (time.Duration, bool) {
	alive := d.Present()
	if len(alive) < witnessesMin {
		return 0, false
	}
	least := now.Sub(alive[0].clock.now())
	for _, e := range alive[1:] {
		least = min(least, now.Sub(e.clock.now()))
	}
	return least, true
}

// behindBy is how far the clocks of others must be ahead of the own for it to count as
// behind: what they write now is then skipped here as the future.
const behindBy = 60 * time.Second

// ClockBehind reports whether others of these cities are alive, and the clocks of all of
// them are far ahead of the own, which shows now. One is enough: it may be the one that is
// wrong, but what it writes is not taken here, and a person has to know.
func ClockBehind(all []Entry, now time.Time) bool {
	behind := false
	for _, e := range all {
		if e.Status != protocol.StatusAlive {
			continue
		}
		if e.clock.now().Sub(now) <= behindBy {
			return false
		}
		behind = true
	}
	return behind
}
