package membership

import (
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// rttParts is by which part each measurement moves what is known of a round trip: an
// eighth, as RFC 6298 has it.
const rttParts = 8

// NoteRTT notes how long a question to a city and its answer have taken, on a connection
// that was there.
func (d *Directory) NoteRTT(p peer.ID, took time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch e, ok := d.cities[p]; {
	case !ok:
	case e.RTT == 0:
		e.RTT = took
	default:
		e.RTT += (took - e.RTT) / rttParts
	}
}
