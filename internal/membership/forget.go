package membership

import (
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/internal/loglimit"
	"github.com/citynode/citynode/protocol"
)

const (
	// forgetLeftAfter is how long a city that said goodbye is remembered: for whoever
	// looks on the next day.
	forgetLeftAfter = 24 * time.Hour
	// forgetFailedAfter is how long a city that failed is remembered: a weekend, so that
	// on Monday a person still finds what is missing.
	forgetFailedAfter = 72 * time.Hour
)

// gone reports whether the city left or failed. Only such a one can be forgotten: one that
// lives would be back at its next word.
func (e *Entry) gone() bool {
	return e.Status == protocol.StatusLeft || e.Status == protocol.StatusFailed
}

// ForgetGone drops the entries of cities that which names and that left or failed. It
// returns their peers by name, and how many that it names are kept because they have not.
//
// Nothing is remembered of what was dropped. What was signed by such a city before, and
// comes again, makes no entry: its author is asked, as one is that was never known.
func (d *Directory) ForgetGone(which func(Entry) bool) (dropped []peer.ID, kept int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, e := range d.sorted() {
		switch {
		case !which(e):
		case e.gone():
			delete(d.cities, e.Peer)
			dropped = append(dropped, e.Peer)
		default:
			kept++
		}
	}
	if len(dropped) > 0 {
		d.tell()
	}
	return dropped, kept
}

// forgetOld drops the cities that are gone for longer than they are to be remembered, and
// returns them. The time now is that of the monotonic clock: a wall clock that jumps makes
// nobody forgotten.
func (d *Directory) forgetOld(now time.Time) (dropped []Entry) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for p, e := range d.cities {
		for status, after := range map[protocol.CityStatus]time.Duration{
			protocol.StatusLeft: forgetLeftAfter, protocol.StatusFailed: forgetFailedAfter,
		} {
			if e.Status == status && now.Sub(e.moved) >= after {
				delete(d.cities, p)
				dropped = append(dropped, *e)
			}
		}
	}
	if len(dropped) > 0 {
		d.tell()
	}
	return dropped
}

// forgetOld drops the cities that are gone for long.
func (m *Members) forgetOld() {
	for _, e := range m.cfg.Directory.forgetOld(time.Now()) {
		m.log.Info("a city that is gone is forgotten", "city", e.Presence.City, loglimit.By("peer", e.Peer.String()), "status", e.Status)
	}
}
