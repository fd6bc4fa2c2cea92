package history

import (
	"math"
	"time"

	"github.com/citynode/citynode/crdt"
)

// A History is what many dispatchers asked and were told, and what else was seen,
// in any order. Its times are those of one clock, since some moment before all of
// them.
type History struct {
	Operations []Operation
	Sightings  []Sighting
	Bombings   []Bombing
	// Healed is when the faults were over and all cities held the same. No city
	// shows an older version later. 0 means never.
	Healed time.Duration
	// Forged says that somebody gave one version to two different heroes, as no
	// correct city does.
	Forged bool
	// Survived reports whether a city that has not lost its memory held the record or
	// a later one. A record that no such city held may be gone. If Survived is nil, a
	// record that a city acknowledged may be gone only if the city was bombed
	// afterwards and no other city was seen to hold the record.
	Survived func(crdt.Record) bool
}

// A Kind is what an operation asks.
type Kind uint8

// The kinds of operations.
const (
	Create Kind = iota + 1
	Assign
	Retire
	Update // it brings entries and concerns no single hero
)

// String returns the kind in the words of the call protocol.
func (k Kind) String() string { return word(k, "", "create", "assign", "retire", "update") }

// An Outcome is what a dispatcher knows of its operation.
type Outcome uint8

// The outcomes. An operation that was refused as unavailable, or whose outcome is
// unknown, may have happened or not.
const (
	Unknown Outcome = iota // never answered
	Acknowledged
	Refused
)

// String returns the outcome in a word.
func (o Outcome) String() string { return word(o, "unknown", "acknowledged", "refused") }

// An Operation is one call of a dispatcher to a city.
type Operation struct {
	Dispatcher string
	Kind       Kind
	// Request is the same for all tries of one order. The order happens once.
	Request crdt.ID
	Hero    crdt.ID
	// City is the city that was asked. Life is the life in which it answered; see
	// Sighting.
	City string
	Life int
	// Place is where the city's orders send heroes, if that is not City: where two peers
	// have one name each needs a City of its own.
	Place string
	// Home says that an assign sends the hero home rather than to the city.
	Home bool
	// Invoked and Answered are when the call was sent and answered, if it was.
	Invoked, Answered time.Duration
	Outcome           Outcome
	// Code is why the call was refused, in the words of the call protocol.
	Code string
	// Record is what was answered: the hero (create, assign) or the tombstone
	// (retire).
	Record crdt.Record
	// Found says that a create met a hero that existed. The answer is then what the
	// city had heard of the hero, and promises nothing.
	Found bool
}

// codeDead is the code of a city that knows of the hero's death.
const codeDead = "dead"

// A Sighting is what a city showed of a hero other than in the answer to an order,
// for example in a watch or after its start.
type Sighting struct {
	City string
	// Life is how often the city had lost all that it held. A crash begins no new
	// life if what is shown was durable.
	Life int
	At   time.Duration
	Hero crdt.ID
	// Record is what the city held, of KindNone if it knew nothing of the hero. A
	// tombstone without a version is a death of which nothing else was seen.
	Record crdt.Record
}

// A Bombing is a bomb after which a city had lost all that it held.
type Bombing struct {
	City string
	At   time.Duration
	// Neighbours are the cities that were connected to the bombed city.
	Neighbours []string
}

// A Final is what a city holds after healing.
type Final struct {
	City    string
	Summary crdt.Summary
	// Entries are all entries that the city holds.
	Entries crdt.Entries
	// Full says that the city has left out entries of IDs that it had not heard of. What
	// it holds must be what the others hold of it.
	Full bool
}

// FinalOf returns what the state of a city holds.
func FinalOf(city string, state *crdt.State) Final {
	entries, _, _ := state.Page(0, math.MaxInt) // the whole state in one page
	return Final{City: city, Summary: state.Summary(), Entries: entries}
}

func word[T ~uint8](at T, words ...string) string {
	if int(at) < len(words) {
		return words[at]
	}
	return "unknown"
}
