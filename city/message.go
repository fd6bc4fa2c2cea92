package city

import (
	"iter"

	"github.com/citynode/citynode/crdt"
)

// Message is what a city can be told: one of the types of this file.
type Message interface{ message() }

// Caller is who sent an order, and the id of the request. A city remembers its answer
// under both, so that a retry changes nothing more and gets the same answer.
type Caller struct {
	// Name identifies the caller, such as its peer ID. Empty: the answer is not
	// remembered.
	Name string
	// Connected says that the caller has a live connection. Until it has Departed, its
	// answers are remembered apart from those of callers that have none.
	Connected bool
	// Request is the id of the request, which the caller chooses: the bytes of a
	// random UUID. A retry has the same id and the same content. The request id of a
	// Create becomes the id of the new hero; that of an Assign or a Retire is a fresh
	// one, and never the hero's.
	Request crdt.ID
}

// Create makes a new hero, at home or here. The hero's id is Caller.Request, which
// must not be all zero.
type Create struct {
	Caller
	// HeroName is the hero's name.
	HeroName string
	// Here puts the hero into this city rather than home.
	Here bool
}

// Assign orders a hero to this city, or home, and heals it.
type Assign struct {
	Caller
	// Hero is the id of the hero; Caller.Request is that of the order.
	Hero crdt.ID
	// With is merged first, whatever becomes of the order.
	With crdt.Entries
	// Home sends the hero home rather than here.
	Home bool
}

// Retire ends a hero for ever.
type Retire struct {
	Caller
	// Hero is the id of the hero; Caller.Request is that of the order.
	Hero crdt.ID
}

// Update merges entries. They must have been decoded or validated by package crdt.
// Reply.Changed counts those that changed the state; an entry that is older than what
// is held changes nothing, and that is no error.
//
// A program with rules of its own writes the heroes of its city by an Update with
// [SourceSelf]; the package comment says how. Once it is answered it is durable, if the
// city is.
type Update struct {
	Entries crdt.Entries
	// Source says where the entries come from. The zero value is SourceSelf.
	Source Source
	// From names who brought the entries, such as its peer ID: a caller, the author of a
	// delta, the other side of a sync. How many unknown IDs it may bring is bounded. Empty:
	// the own program.
	From string
	// Known says that From is a city with which this one has exchanged states for some
	// time. It may bring more than a stranger.
	Known bool
}

// Patrol is the patrol tick, Fight the fight tick.
type (
	Patrol struct{}
	Fight  struct{}
)

// Bomb makes the city crash after its reply.
type Bomb struct{}

// Open says that the city knows what its neighbours know, or that it has none:
// from now on an unknown id is not found rather than unavailable.
type Open struct{}

// Suspect says what the other clocks think of this city's.
type Suspect struct {
	// Reason is why this clock is taken for wrong; empty: it is trusted.
	Reason string
}

// Fault says whether what is written becomes durable.
type Fault struct {
	// Reason is why it does not; empty: it does.
	Reason string
}

// Departed says that a caller has no connection any more.
type Departed struct{ Name string }

// Remember gives back the answers that a former incarnation gave, in the order
// in which it gave them.
type Remember struct{ Answers []Answered }

// Answered is an answer that is remembered: who asked what, and what the reply was. Its
// Reply has the hero or the tombstone, and the summary. Number counts the answers of a
// city; each is greater than all before, of former incarnations too.
type Answered struct {
	Caller
	Digest RequestDigest
	Number uint64
	Reply  Reply
}

func (Create) message()   {}
func (Assign) message()   {}
func (Retire) message()   {}
func (Update) message()   {}
func (Patrol) message()   {}
func (Fight) message()    {}
func (Bomb) message()     {}
func (Open) message()     {}
func (Suspect) message()  {}
func (Fault) message()    {}
func (Departed) message() {}
func (Remember) message() {}

// Source says where a change came from.
type Source uint8

// The sources of changes. What came by gossip or by anti-entropy is not
// gossiped again; the rest is.
const (
	SourceSelf   Source = iota // an order, a tick or an own rule, carried out here
	SourceCaller               // entries that a caller brought
	SourceGossip               // a delta
	SourceSync                 // anti-entropy
	SourceStore                // this city's own store: the future rule does not apply
)

// String returns the source's name in logs.
func (s Source) String() string {
	names := [...]string{"self", "caller", "gossip", "sync", "store"}
	if int(s) < len(names) {
		return names[s]
	}
	return "unknown"
}

// Reply is the answer to a message; which fields are set depends on it.
type Reply struct {
	// Hero is the hero as it is now (Create, Assign).
	Hero crdt.Hero
	// Tombstone is what is left of the hero (Retire).
	Tombstone crdt.Tombstone
	// Summary is that of the state after the message.
	Summary crdt.Summary
	// Changed is how many entries of an Update changed the state, Skipped how
	// many were left out: since their stamps are in the future, or since the city is
	// full.
	Changed, Skipped int
	// LeftOut lists those of unknown IDs that were left out since the city is full. They
	// share the memory of the Update.
	LeftOut crdt.Entries
	// Over is how many entries of unknown IDs were left out since who brought them has
	// brought many just now. They may be brought again after a pause.
	Over int
	// Future lists those that were left out.
	Future []crdt.Hero
	// Err is a *Refusal, or nil.
	Err error
}

// Effects is what a message made happen, for the shell to act on.
type Effects struct {
	// Changes lists what changed in the state, in order; see All for the
	// sources. The first Brought of them came from Source, what follows was
	// made here.
	Changes []crdt.Change
	Brought int
	Source  Source
	// Pending lists own writes that enter the state once they are durable. Then
	// they are Changes.
	Pending []crdt.Record
	// Note says what a tick found nothing to do for; empty otherwise.
	Note string
	// Future lists the heroes that were skipped for their future stamps.
	Future []crdt.Hero
	// LeftOut is how many entries were left out since the city is full.
	LeftOut int
	// Crash asks the shell to end this incarnation once the reply is out.
	Crash bool
	// answered is the answer that is remembered from now on, nil for none; forgotten
	// are the numbers of those that are not any more.
	answered  *answer
	forgotten []uint64
	// repeated is the answer that was given once more, nil for none.
	repeated *answer
	// atOnce says that the reply shows nothing of what other messages wrote.
	atOnce bool
	// hidden has the indexes in Changes of those over which an own write lies that
	// was given to the journal before. They must not be stored after it.
	hidden []int
}

// ToStore yields what must become durable, in the order in which a journal has to write
// it: of two records of one id the later stands.
func (fx *Effects) ToStore() iter.Seq[*crdt.Record] {
	return func(yield func(*crdt.Record) bool) {
		hidden := fx.hidden
		for i := range fx.Changes {
			if len(hidden) > 0 && hidden[0] == i {
				hidden = hidden[1:]
				continue
			}
			if !yield(&fx.Changes[i].New) {
				return
			}
		}
		for i := range fx.Pending {
			if !yield(&fx.Pending[i]) {
				return
			}
		}
	}
}

// Answered returns the answer that is remembered from now on, if there is one.
func (fx *Effects) Answered() (Answered, bool) {
	if fx.answered == nil {
		return Answered{}, false
	}
	return fx.answered.answered(), true
}

// Forgotten returns the numbers of answers that are not remembered any more, so that a
// journal need not keep them.
func (fx *Effects) Forgotten() []uint64 { return fx.forgotten }

// All yields each change with its source.
func (fx *Effects) All() iter.Seq[SourcedChange] {
	return func(yield func(SourcedChange) bool) {
		for i, change := range fx.Changes {
			source := SourceSelf
			if i < fx.Brought {
				source = fx.Source
			}
			if !yield(SourcedChange{Change: change, Source: source}) {
				return
			}
		}
	}
}

// SourcedChange is a change of the state and where it came from.
type SourcedChange struct {
	crdt.Change
	Source Source
}
