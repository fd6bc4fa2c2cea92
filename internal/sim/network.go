package sim

import (
	"slices"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
)

// links says who can reach whom. A partition cuts some directions and mends
// exactly those when it ends, so partitions may overlap.
type links struct {
	cuts [][]int // how many partitions cut the way from the first to the second
}

func newLinks(n int) *links {
	l := &links{cuts: make([][]int, n)}
	for i := range l.cuts {
		l.cuts[i] = make([]int, n)
	}
	return l
}

// mend undoes all partitions.
func (l *links) mend() {
	for i := range l.cuts {
		clear(l.cuts[i])
	}
}

// reaches reports whether messages from one get to the other.
func (l *links) reaches(from, to *node) bool { return l.cuts[from.index][to.index] == 0 }

// connected reports whether a stream between them works: that takes both
// directions.
func (l *links) connected(a, b *node) bool { return l.reaches(a, b) && l.reaches(b, a) }

// gossip sends what this city's own orders and ticks, and its callers, changed
// to all others, each by its own way, that may lose, copy and delay it.
func (n *node) gossip(fx city.Effects) {
	var delta crdt.Entries
	for c := range fx.All() {
		if c.Source == city.SourceSelf || c.Source == city.SourceCaller {
			e := c.Entries()
			delta.Heroes = append(delta.Heroes, e.Heroes...)
			delta.Tombstones = append(delta.Tombstones, e.Tombstones...)
		}
	}
	if delta.Len() == 0 {
		return
	}
	payload := crdt.AppendEntries(nil, delta)
	for _, to := range n.w.nodes {
		if to == n {
			continue
		}
		copies := 1
		if n.w.chance(n.w.profile.dupPermil) {
			copies = 2
		}
		for range copies {
			n.w.sendDelta(n, to, payload)
		}
	}
}

func (w *world) sendDelta(from, to *node, payload []byte) {
	w.counts.Deltas++
	if !w.links.reaches(from, to) || w.chance(w.profile.lossPermil) {
		w.counts.DeltasLost++
		return
	}
	w.after(w.delay(), "delta", func() { to.receiveDelta(from, slices.Clone(payload)) })
}

func (n *node) receiveDelta(from *node, payload []byte) {
	entries, err := crdt.DecodeEntries(payload)
	if err != nil {
		n.w.fail("no correct program sends malformed entries", "%v", err)
		return
	}
	source := city.SourceGossip
	if n.w.cfg.sabotage == clockBlind {
		source = city.SourceStore // the future rule does not apply to it
	}
	n.step(city.Update{Entries: entries, Source: source, From: from.String(), Known: true})
}
