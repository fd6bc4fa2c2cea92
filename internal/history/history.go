package history

import (
	"math"
	"time"

	"github.com/citynode/citynode/crdt"
)

// History is what many dispatchers asked and were told, and what else was seen,
// in any order. Its times are those of one clock, since some moment before all.
type History struct {
	Operations []Operation
	Sightings  []Sighting
	Bombings   []Bombing
	// Healed is when the faults were over and all cities held the same: what is
	// seen later, in whatever city, never goes back. 0: never.
	Healed time.Duration
	// Forged says that somebody gave one version to two different heroes, as no
	// correct city does.
	Forged bool
	// Survived tells whether a city that has not lost its memory held the record
	// or a later one; what none held may be gone. Nil: what a city acknowledged
	// survives unless it was bombed after, and nobody else was seen to hold it.
	Survived func(crdt.Record) bool
}

// Kind is what an operation asks.
type Kind uint8

// The kinds of operations.
const (
	Create Kind = iota + 1
	Assign
	Retire
	Update // entries that are brought; it concerns no one hero
)

// String is the kind in the words of the call protocol.
func (k Kind) String() string { return word(k, "", "create", "assign", "retire", "update") }

// Outcome is what a dispatcher knows of its operation.
type Outcome uint8

// The outcomes. Of one that was refused as unavailable, and of one whose outcome
// is unknown, nothing is claimed: it may have happened.
const (
	Unknown Outcome = iota // never answered
	Acknowledged
	Refused
)

// String is the outcome in a word.
func (o Outcome) String() string { return word(o, "unknown", "acknowledged", "refused") }

// Operation is one call of a dispatcher to a city.
type Operation struct {
	Dispatcher string
	Kind       Kind
	// Request is the same for all tries of one order, which happens once.
	Request crdt.ID
	Hero    crdt.ID
	// City is who was asked, Life which of its lives answered; see Sighting.
	City string
	Life int
	// Home says that an assign sends the hero home rather than to the city.
	Home bool
	// Invoked and Answered are when it was sent and answered, if it was.
	Invoked, Answered time.Duration
	Outcome           Outcome
	// Code is why it was refused, in the words of the call protocol.
	Code string
	// Record is what was answered: the hero (create, assign) or the tombstone
	// (retire).
	Record crdt.Record
	// Found says that a create found the hero there: the answer is what the city
	// had heard of it, and promises nothing.
	Found bool
}

// codeDead is the code by which a city says that it knows of a hero's death.
const codeDead = "dead"

// Sighting is what a city showed of a hero outside the answer to an order: to who
// watches it, or after its start.
type Sighting struct {
	City string
	// Life counts how often the city has lost all that it held. A crash begins no
	// new one where what is shown was durable.
	Life int
	At   time.Duration
	Hero crdt.ID
	// Record is what it held; of KindNone if it knew nothing of the hero. A
	// tombstone without a version is a death of which no more was seen.
	Record crdt.Record
}

// Bombing is a bomb: the city has lost all that it held.
type Bombing struct {
	City string
	At   time.Duration
	// Neighbours are the cities that were connected with it.
	Neighbours []string
}

// Final is what a city holds after healing.
type Final struct {
	City    string
	Summary crdt.Summary
	// Entries are all that it holds.
	Entries crdt.Entries
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
