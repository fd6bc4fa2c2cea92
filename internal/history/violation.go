package history

import (
	"fmt"

	"github.com/citynode/citynode/crdt"
)

// A Rule is what must hold, in words.
type Rule string

// The rules that Check knows.
const (
	// Lost: an acknowledged write is gone although a city that held it survived.
	Lost Rule = "an acknowledged write is kept, or a later one"
	// Undead: a hero lives after its acknowledged retire, or its observed death.
	Undead Rule = "a dead hero stays dead"
	// Unhealthy: a living hero has not 1–100 health.
	Unhealthy Rule = "a living hero has a health of 1–100"
	// WentBack: one life of a city, or any city after healing, showed an earlier
	// version after a later one.
	WentBack Rule = "versions only grow"
	// Misanswered: an answer is not what the operation asked for.
	Misanswered Rule = "an answer is what was asked for"
	// Ambiguous: one version was seen of two different heroes.
	Ambiguous Rule = "one version is one hero"
	// Split: two cities do not hold the same after healing.
	Split Rule = "all cities hold the same in the end"
)

// A Violation is a rule that was broken.
type Violation struct {
	Rule Rule
	// Hero is the hero that the violation concerns. It is zero if there is no single
	// one.
	Hero crdt.ID
	// Cities are the cities where the violation was seen.
	Cities []string
	// Operation is the operation whose promise was broken, or nil.
	Operation *Operation
	// Had is what was answered or seen first. Got is what was there later.
	Had, Got crdt.Record
	// Detail says all of this in words.
	Detail string
}

// Error returns the rule and how it was broken.
func (v Violation) Error() string { return string(v.Rule) + ": " + v.Detail }

// String returns the operation in the words of a violation.
func (o *Operation) String() string {
	where := "at " + o.City
	if o.Kind == Assign && o.Home {
		where = "home, at " + o.City
	}
	return fmt.Sprintf("%s of %v %s by %s (request %v, %v–%v)", o.Kind, o.Hero, where, o.Dispatcher, o.Request, o.Invoked, o.Answered)
}
