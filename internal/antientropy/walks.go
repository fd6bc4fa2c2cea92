package antientropy

import (
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/reconcile"
)

const (
	// walksPerPeer is for how many walks through the whole state, one after another, a
	// peer may be the reason. An audit that finds something takes two or three: one for a
	// sketch, one more where that is too short, one for the entries. walksInAll is what
	// all peers may together: nobody needs a peer ID for more than a moment.
	walksPerPeer = 4
	walksInAll   = 8
	// walkRatePeer and walkRateInAll are how many entries a second such walks may take in
	// for ever: at a microsecond an entry 1 % and 5 % of a processor. The own audits of a
	// peer each five minutes take far less (see AuditEvery).
	walkRatePeer  = 10_000
	walkRateInAll = 50_000
	// walkEntriesMin is what a walk counts in the bounds above where the state is small:
	// walks through a thousand entries are not worth a refusal.
	walkEntriesMin = 100_000
	// walkersMax bounds the peers that are remembered. One that is forgotten begins anew,
	// within what is left for all.
	walkersMax = 1024
)

// A walkPlace says whose session needs a walk: those that this node began have a place that
// no other peer can hold.
type walkPlace int

const (
	forOthers walkPlace = iota
	forOwn
	walkPlaces
)

// walks bound the walks through the whole state for audits: who is the reason for how many
// entries, and that one runs at a time in each place. What a peer asks for, and what it
// answers with, both have the state walked through, so both count.
type walks struct {
	mu      sync.Mutex // guards the rest
	running [walkPlaces]bool
	all     purse
	byPeer  *lru.Cache[peer.ID, *purse]
}

// newWalks returns walks of which none was made.
func newWalks() *walks {
	byPeer, err := lru.New[peer.ID, *purse](walkersMax)
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	return &walks{byPeer: byPeer}
}

// begin admits a walk through so many entries for a peer, until end is called. The error
// matches reconcile.ErrBusy.
func (w *walks) begin(p peer.ID, place walkPlace, entries uint64, now time.Time) (end func(), err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	of, ok := w.byPeer.Get(p)
	if !ok {
		of = new(purse)
		w.byPeer.Add(p, of)
	}
	cost := float64(entries)
	least := float64(max(entries, walkEntriesMin))
	of.fill(walkRatePeer, walksPerPeer*least, now)
	w.all.fill(walkRateInAll, walksInAll*least, now)
	switch {
	case w.running[place]:
		return nil, fmt.Errorf("audit: another is running: %w", reconcile.ErrBusy)
	case of.left < cost:
		return nil, fmt.Errorf("audit: %s has had its share: %w", p, reconcile.ErrBusy)
	case w.all.left < cost:
		return nil, fmt.Errorf("audit: all peers have had their share: %w", reconcile.ErrBusy)
	}
	of.left -= cost
	w.all.left -= cost
	w.running[place] = true
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.running[place] = false
	}, nil
}

// costOf returns how many entries an audit of a state counts for. One of a quarter takes a
// third of the time that one of all takes (see AuditParts).
func costOf(a reconcile.Audit, state crdt.Summary) uint64 {
	entries := state.Heroes + state.Tombstones
	if a.Parts >= AuditParts {
		return entries / 3
	}
	return entries
}

// A purse is what somebody may spend. The zero one is full.
type purse struct {
	left float64
	at   time.Time // when it was filled last; zero: never
}

// fill adds what has come in since, up to most.
func (b *purse) fill(rate, most float64, now time.Time) {
	switch {
	case b.at.IsZero():
		b.left = most
	case now.After(b.at):
		b.left = min(b.left+rate*now.Sub(b.at).Seconds(), most)
	}
	b.at = now
}
