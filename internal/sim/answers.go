package sim

import (
	"maps"
	"reflect"
	"time"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
)

// answersLast is how long a city remembers its answers, of its running time.
const answersLast = city.AnswersFor

// answersGone is after what time no city has an answer any more: each start in between
// lets it remember for another answersLast.
const answersGone = 3 * time.Hour

// answerKey is a request to one city.
type answerKey struct {
	city    int
	caller  string
	request crdt.ID
}

type givenAnswer struct {
	since  time.Duration // true time: when it was given, or the city last started with it
	number uint64        // the city's
	reply  city.Reply
}

// stepBefore is what must be known of a city from before a step.
type stepBefore struct {
	suspicion string
	open      bool
	fault     bool // of the store
	brings    brings
}

func (o *oracle) before(n *node, m city.Message) stepBefore {
	return stepBefore{
		suspicion: n.core.Suspicion(), open: n.core.IsOpen(), fault: n.core.StoreFault() != "",
		brings: o.bringsOf(n, m),
	}
}

// checkAnswer checks that the answer to an order is the same as before, or
// what the rules say.
func (o *oracle) checkAnswer(n *node, m city.Message, caller city.Caller, before stepBefore, reply city.Reply, fx *city.Effects, own int, done func()) {
	key := answerKey{n.index, caller.Name, caller.Request}
	earlier, again := o.answers[key]
	again = again && !before.fault // or it is refused all the same
	same := own == 0 && reflect.DeepEqual(earlier.reply, reply)
	forgotten := o.mayForget(earlier)
	if again && (same || !forgotten) {
		o.w.counts.Remembered++
		if !same {
			o.w.fail("a retry changes nothing and gets the same answer", "%v: %+v, before %+v", n, reply, earlier.reply)
		}
		return
	}
	o.checkReason(n, m, before, reply, own)
	want := o.shadows[n.index].summary(n)
	if before.fault {
		want = n.core.State().Summary() // told at once, so it shows nothing that waits
	}
	if reply.Summary != want {
		o.w.fail("an answer has the summary of the state", "%v: %s", n, describe(m))
	}
	if reply.Err != nil {
		o.w.counts.Refusals++
		return
	}
	o.w.counts.Orders++
	a, _ := fx.Answered()
	o.answers[key] = givenAnswer{since: o.w.now, number: a.Number, reply: reply}
	done()
}

// withdrawn forgets the answers that were never given, of orders that a city did not go
// on with since the disk was not given them.
func (o *oracle) withdrawn(n *node) {
	remembered := make(map[answerKey]bool)
	for _, a := range n.core.Answers() {
		remembered[answerKey{n.index, a.Name, a.Request}] = true
	}
	maps.DeleteFunc(o.answers, func(key answerKey, a givenAnswer) bool {
		given := o.lives[n.index].given[key]
		return key.city == n.index && !remembered[key] && given.number != a.number
	})
}

// mayForget tells whether a city need not remember an answer any more.
func (o *oracle) mayForget(a givenAnswer) bool { return o.w.now-a.since > answersLast }

// checkReason checks whether an order was refused, and why. The record is that
// of after the step, which for a refused order is that of before it.
func (o *oracle) checkReason(n *node, m city.Message, before stepBefore, reply city.Reply, own int) {
	if own > 0 {
		if before.suspicion != "" || reply.Err != nil {
			o.w.fail("a refused order writes nothing", "%v: %s: %v", n, describe(m), reply.Err)
		}
		if _, create := m.(city.Create); create && !before.open {
			o.w.fail("a city that has not opened creates nobody", "%v: %s", n, describe(m))
		}
		return
	}
	if city.ReasonOf(reply.Err) == city.Busy {
		return // checkBusy says whether it may be
	}
	if got, want := city.ReasonOf(reply.Err), o.reason(n, m, before); got != want {
		o.w.fail("an order is refused for the right reason", "%v: %s: %v, want %q", n, describe(m), reply.Err, want)
	}
}

// reason returns why an order that wrote nothing did so; 0 if it need not write.
func (o *oracle) reason(n *node, m city.Message, before stepBefore) city.Reason {
	if before.fault {
		return city.Unavailable
	}
	id, create := crdt.ID{}, false
	switch m := m.(type) {
	case city.Create:
		id, create = m.Request, true
	case city.Assign:
		id = m.Hero
		o.checkTaken(n, m.With, before.brings)
	case city.Retire:
		id = m.Hero
	}
	record := o.shadows[n.index].goesBy(id)
	switch {
	case before.suspicion != "", create && !before.open:
		return city.Unavailable
	case record.Kind == crdt.KindTombstone:
		return city.Dead
	case record.Kind == crdt.KindNone && (!before.open || o.mayLeaveOut(n, id)):
		return city.Unavailable
	case record.Kind == crdt.KindNone:
		return city.NotFound
	case create:
		return 0
	default: // an order that is stamped too far ahead
		if record.Hero.Version.Assigned.Next().Time().Sub(n.time()) <= city.OwnSkewMax {
			return 0
		}
		o.mayRefuse(n, record.Hero)
		return city.Unavailable
	}
}

func (o *oracle) created(n *node, m city.Create, reply city.Reply) {
	record := n.core.Record(m.Request)
	if record.Kind != crdt.KindHero || record.Hero != reply.Hero || reply.Hero.Name != m.HeroName {
		o.w.fail("a create is answered with the hero", "%v: %+v, holds %s", n, reply.Hero, describeRecord(record))
	}
}

func (o *oracle) assigned(n *node, m city.Assign, before stepBefore, reply city.Reply) {
	o.checkTaken(n, m.With, before.brings)
	record := n.core.Record(m.Hero)
	want := n.cfg.Name
	if m.Home {
		want = crdt.Home
	}
	h := reply.Hero
	if record.Kind != crdt.KindHero || record.Hero != h || h.Location != want || h.Patrolling ||
		h.Version.Replica != n.cfg.Replica || h.Version.Assigned != h.Version.HLC {
		o.w.fail("an order wins over all that its city knew", "%v: %s, answered %+v", n, describeRecord(record), h)
	}
}

func (o *oracle) retired(n *node, m city.Retire, reply city.Reply) {
	record := n.core.Record(m.Hero)
	if record.Kind != crdt.KindTombstone || record.Tombstone != reply.Tombstone {
		o.w.fail("a retired hero is dead", "%v: %s", n, describeRecord(record))
	}
}
