package sim

import (
	"time"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
)

const (
	// flooderName is the name of a stranger who invents heroes.
	flooderName = "flooder"
	// leftOutFor is for how long a simulated city does not ask again for what it had no
	// room for; a real one waits for longer.
	leftOutFor = 10 * time.Second
)

// entriesMax returns for how many entries a city has room: in a crowded run every second
// city has room for some of the heroes only.
func (p *profile) entriesMax(index int) int {
	if !p.crowded || index%2 == 1 {
		return 0
	}
	return p.heroes + 4
}

// flood has a stranger bring heroes and deaths that it has made up, in whatever way.
func (w *world) flood() {
	n := w.anyNode()
	var e crdt.Entries
	for range 1 + w.rng.IntN(3) {
		w.invented++
		id := requestID(3, w.invented)
		version := crdt.Version{Replica: freezerReplica, HLC: crdt.StampAt(n.time())}
		if w.rng.IntN(2) == 0 {
			e.Heroes = append(e.Heroes, crdt.Hero{ID: id, Name: heroName(id), Location: n.cfg.Name, Health: 1, Version: version})
		} else {
			e.Tombstones = append(e.Tombstones, crdt.Tombstone{ID: id, Version: version})
		}
	}
	if w.rng.IntN(2) == 0 {
		n.step(city.Update{Entries: e, Source: city.SourceCaller, From: flooderName})
		return
	}
	n.step(city.Update{Entries: e, Source: city.SourceGossip, From: flooderName})
}

// leftOut is what a city had no room for, by symbol, and until when it is not asked for.
type leftOut map[uint64]time.Duration

func (l leftOut) note(symbols []uint64, now time.Duration) {
	for _, s := range symbols {
		l[s] = now + leftOutFor
	}
}

func (l leftOut) at(now time.Duration) func(uint64) bool {
	return func(symbol uint64) bool { return now < l[symbol] }
}

// symbolsOf returns the symbols of entries.
func symbolsOf(e crdt.Entries) (symbols []uint64) {
	for _, t := range e.Tombstones {
		symbols = append(symbols, t.Fingerprint().Symbol())
	}
	for _, h := range e.Heroes {
		symbols = append(symbols, h.Fingerprint().Symbol())
	}
	return symbols
}

// room returns how many entries a city may hold, and how many of them strangers may bring.
func (n *node) room() (all, strangers int) {
	all = n.cfg.WithDefaults().EntriesMax
	return all, all / 2
}

// size returns how many IDs the incarnation holds, with own writes that wait.
func (s *shadow) size() int {
	size := len(s.ids)
	for id, own := range s.waiting {
		if _, known := s.records[id]; !known && len(own) > 0 {
			size++
		}
	}
	return size
}

// checkRoom checks that a city holds no more than it may, and that strangers have not
// brought more than they may where it holds what nobody else could.
func (o *oracle) checkRoom(n *node) {
	if all, _ := n.room(); o.shadows[n.index].size() > all {
		o.w.fail("a city holds no more than it may", "%v holds %d, may hold %d", n, o.shadows[n.index].size(), all)
	}
}

// mayLeaveOut reports whether a city may have left out an entry of this ID: it does not
// know the ID, and has no room for what a stranger brings.
func (o *oracle) mayLeaveOut(n *node, id crdt.ID) bool {
	_, known := o.shadows[n.index].records[id]
	_, strangers := n.room()
	return !known && n.core.Full() && o.shadows[n.index].size() >= strangers
}
