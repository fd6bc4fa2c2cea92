package sim

import (
	"time"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
)

// freezing is how near to the latest stamp that a city takes a freezer stamps, and as much
// beyond: some is taken, and some is skipped until it is due.
const freezing = 2 * time.Second

// freezerReplica is the replica of a freezer, which is that of no city.
const freezerReplica crdt.ReplicaID = 1

// frozen returns the entries as they are or, where there is a freezer, as if somebody had
// just ordered the heroes home on a clock that is as far ahead as cities just take. No
// city may be kept by that from ordering them.
func (d *dispatcher) frozen(to *node, e crdt.Entries) crdt.Entries {
	if !d.w.profile.freezer || d.rng.IntN(2) == 0 {
		return e
	}
	for i := range e.Heroes {
		h := &e.Heroes[i]
		ahead := city.FutureSkewMax + time.Duration(d.rng.Int64N(int64(2*freezing))) - freezing
		stamp := crdt.StampAt(to.time().Add(ahead))
		h.Version = crdt.Version{Assigned: stamp, Replica: freezerReplica, HLC: stamp}
		h.Location, h.Patrolling = to.cfg.Name, false
	}
	return e
}

// mayRefuse checks that a city refuses an order for the hero's stamp only where its own
// clock has gone back: else whoever may order could be kept from it by anybody's stamp.
func (o *oracle) mayRefuse(n *node, h crdt.Hero) {
	if now := n.time(); !now.Before(n.latest) {
		o.w.fail("who may order is answered", "%v at %v, whose clock has never gone back, refuses it: %s", n, now,
			describeRecord(crdt.HeroRecord(h)))
	}
}

// checkIdle checks that a patrol finds a hero wherever there is one on which the city may
// write: however many others are stamped too far ahead, they keep no tick from it. While
// the clock is a little behind what it once showed, or own writes wait, it may miss one.
func (o *oracle) checkIdle(n *node, note string) {
	s, now := o.shadows[n.index], n.time()
	if note != city.NoteNobodyToPatrol || now.Before(n.latest) || len(s.waiting) > 0 {
		return
	}
	for _, id := range s.ids {
		h := s.records[id].Hero
		if h.Location == n.cfg.Name && h.Version.Replica == n.cfg.Replica && h.Version.HLC.Next().Time().Sub(now) <= city.OwnSkewMax {
			o.w.fail("a tick finds whom it may write on", "%v at %v finds nobody, and holds %s", n, now, describeRecord(s.records[id]))
		}
	}
}
