package protocol

import (
	"fmt"
	"slices"
)

// A Problem is a short code for what is wrong with a city. A city says its own in
// [Presence.Problems] and [InfoReply.Problems]. Who looks at a city has more of them:
// see [ProblemLine]. A code has 1 to ProblemBytesMax bytes: a lower-case letter first,
// then lower-case letters, digits and underscores. A code that is not in the list below
// is of a later program; it is shown as it is.
type Problem string

// The problems that a city says of itself.
const (
	// ProblemStore: the store does not work, so own writes are refused.
	ProblemStore Problem = "store_fault"
	// ProblemClockAhead: the own clock is more than a minute ahead of the clocks of
	// at least two other cities, and of all, so own writes are refused.
	ProblemClockAhead Problem = "clock_doubt"
	// ProblemClockBehind: the own clock is more than a minute behind the clocks of all
	// other cities, so what they write is taken only later.
	ProblemClockBehind Problem = "clock_behind"
	// ProblemFull: the city holds as many entries as it may, so new ones are refused.
	ProblemFull Problem = "full"
	// ProblemDraining: the city is about to stop, and refuses new orders.
	ProblemDraining Problem = "draining"
	// ProblemContested: another peer that is alive claims the city's name.
	ProblemContested Problem = "contested"
)

// The problems that a city sees in another. They are the statuses that are no good news.
const (
	// ProblemFailed: the city fell silent and did not answer.
	ProblemFailed = Problem(StatusFailed)
	// ProblemSuspect: the city is silent, and is being asked.
	ProblemSuspect Problem = "suspect"
)

const (
	// ProblemsMax is the most problems that one city says of itself: some more than
	// there are, and a third of a presence at most.
	ProblemsMax = 8
	// ProblemBytesMax bounds a code.
	ProblemBytesMax = 32
)

// remedies say what a person does about a problem.
var remedies = map[Problem]string{
	ProblemStore:       "make room on its disk, or see to the disk; the city goes on by itself",
	ProblemClockAhead:  "set the clock of its machine; it is ahead of all others",
	ProblemClockBehind: "set the clock of its machine; it is behind all others",
	ProblemFull:        "retire heroes, or raise its limit of entries",
	ProblemDraining:    "nothing; it stops because it was told to",
	ProblemContested:   "stop one of the peers that claim the name, or give it another name",
	ProblemFailed:      "see whether its process, its machine and the network to it work; if it is gone for good, forget it",
	ProblemSuspect:     "wait some seconds; it is being asked whether it lives",
}

// Remedy returns what a person does about the problem, in a few words without an end
// mark. It is never empty.
func (p Problem) Remedy() string {
	if remedy, ok := remedies[p]; ok {
		return remedy
	}
	return "this program does not know the problem; ask a later version"
}

// Stops reports whether a city with the problem cannot do what it is there for: it
// refuses orders, or takes what others write too late.
func (p Problem) Stops() bool {
	switch p {
	case ProblemStore, ProblemClockAhead, ProblemClockBehind, ProblemFull:
		return true
	}
	return false
}

// validate returns nil if the problem has the form of a code.
func (p Problem) validate() error {
	if len(p) == 0 || len(p) > ProblemBytesMax {
		return fmt.Errorf("problem of %d bytes, want 1 to %d", len(p), ProblemBytesMax)
	}
	for i, c := range []byte(p) {
		letter := 'a' <= c && c <= 'z'
		if !letter && (i == 0 || c != '_' && (c < '0' || c > '9')) {
			return fmt.Errorf("problem %q is not of lower-case letters, digits and underscores, a letter first", string(p))
		}
	}
	return nil
}

// validateProblems checks the list that a city says of itself.
func validateProblems(some []Problem) error {
	if len(some) > ProblemsMax {
		return fmt.Errorf("%d problems, at most %d are allowed", len(some), ProblemsMax)
	}
	for _, p := range some {
		if err := p.validate(); err != nil {
			return err
		}
	}
	return nil
}

// SameProblems reports whether two lists name the same problems, in any order and any
// number of times.
func SameProblems(a, b []Problem) bool {
	return containsAll(a, b) && containsAll(b, a)
}

func containsAll(of, some []Problem) bool {
	return !slices.ContainsFunc(some, func(p Problem) bool { return !slices.Contains(of, p) })
}

// Equal reports whether two presences say the same.
func (p Presence) Equal(q Presence) bool {
	return p.City == q.City && p.Since == q.Since && p.Incarnation == q.Incarnation && p.Summary == q.Summary &&
		p.Software == q.Software && p.Sent == q.Sent && p.Leaving == q.Leaving && SameProblems(p.Problems, q.Problems)
}
