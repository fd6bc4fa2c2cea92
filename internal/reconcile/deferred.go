package reconcile

import (
	"maps"

	"github.com/citynode/citynode/crdt"
)

// deferredMax bounds the heroes that are remembered as not due, at about 50
// bytes each. One that is not remembered is asked for once more, no worse.
const deferredMax = 4096

// Deferred remembers the heroes of others that were skipped for their future
// stamps, by their symbols: a session does not ask for them again until they are due.
// The zero value is empty. It is not safe for concurrent use.
type Deferred struct{ due map[uint64]crdt.Stamp }

// Add remembers a hero until it is due.
func (d *Deferred) Add(h crdt.Hero, now crdt.Stamp) {
	if d.due == nil {
		d.due = make(map[uint64]crdt.Stamp)
	}
	if len(d.due) >= deferredMax {
		d.forget(now)
	}
	if len(d.due) < deferredMax {
		d.due[h.Fingerprint().Symbol()] = h.Version.HLC.Add(-crdt.FutureSkewMax)
	}
}

// Clone returns a copy for another goroutine.
func (d *Deferred) Clone() *Deferred { return &Deferred{due: maps.Clone(d.due)} }

// Len returns how many heroes are remembered.
func (d *Deferred) Len() int { return len(d.due) }

// has reports whether the entry with this symbol is known not to be due.
func (d *Deferred) has(symbol uint64, now crdt.Stamp) bool {
	due, known := d.due[symbol]
	return known && due > now
}

// forget drops what is due.
func (d *Deferred) forget(now crdt.Stamp) {
	for symbol, due := range d.due {
		if due <= now {
			delete(d.due, symbol)
		}
	}
}
