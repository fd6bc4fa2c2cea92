package sim

import (
	"errors"
	"math"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/durable"
	"github.com/citynode/citynode/internal/store"
)

// sabotage is a rule that the simulated shell breaks, or what it does to the
// events and effects of the real journal machine.
type sabotage uint8

const (
	noSabotage       sabotage = iota
	cutIsComplete             // a session that was cut counts as complete
	forgetTombstones          // what is merged by anti-entropy loses its tombstones
	blindMerge                // anti-entropy ignores the incarnation it began with
	clockBlind                // nobody suspects its own clock, and the future rule is off for gossip
	answerEarly               // the city is told that all is durable at once
	epochBlind                // the store takes batches of an epoch that was voided, and tells of no bomb
	staleRewrite              // a rewrite goes on where the last one stood that was given up, of an incarnation before perhaps
	unwoken                   // a start that finds the store down does not have it tried again
	noRewrite                 // a store that works again is given an empty page for the whole state
	neverSync                 // every batch is lazy
	lazyRewrite               // no batch is synced that has many entries
	errorIgnored              // a commit that failed counts as done
	silent                    // the city is not told when something has become durable
	patient                   // nobody looks whether a commit takes too long
	bombUnheard               // the machine never learns of another epoch, and takes what is refused for written
)

// written returns what the city is told instead of how far the journal has come.
func (s sabotage) written(w city.Written) city.Written {
	if s == answerEarly {
		w.Durable = math.MaxUint64
	}
	return w
}

// page returns from where a page is read instead of where a rewrite wants it.
func (s sabotage) page(at, reached crdt.Cursor) crdt.Cursor {
	if s == staleRewrite && at == 0 {
		return reached
	}
	return at
}

// event returns what the machine is told instead of an event, and whether it is
// told anything.
func (s sabotage) event(e durable.Event) (durable.Event, bool) {
	switch e := e.(type) {
	case durable.Tick:
		return e, s != patient
	case durable.Raised:
		return e, s != epochBlind && s != bombUnheard
	case durable.Committed:
		if s == errorIgnored && e.Err != nil && !errors.Is(e.Err, store.ErrEpoch) {
			e.Err = nil
		}
		if s == bombUnheard && errors.Is(e.Err, store.ErrEpoch) {
			e.Err = nil
		}
		return e, true
	case durable.Resumed:
		if s == bombUnheard {
			e.Epoch = 0
		}
		return e, true
	case durable.PageRead:
		if s == noRewrite {
			e.Entries, e.Answers, e.More = durable.PageRead{}.Entries, nil, false
		}
		return e, true
	default:
		return e, true
	}
}

// effect returns what is carried out instead of an effect of an event, and whether
// anything is.
func (s sabotage) effect(of durable.Event, effect durable.Effect) (durable.Effect, bool) {
	switch effect := effect.(type) {
	case durable.Commit:
		if s == neverSync || s == lazyRewrite && effect.Batch.Entries.Len() > 2 {
			effect.Batch.Lazy = true
		}
		return effect, true
	case durable.News:
		_, committed := of.(durable.Committed)
		return effect, s != silent || !committed
	case durable.Wake:
		_, failed := of.(durable.Failed)
		return effect, s != unwoken || !failed
	default:
		return effect, true
	}
}
