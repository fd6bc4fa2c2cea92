package health

import (
	"cmp"
	"slices"
	"time"

	"github.com/citynode/citynode/protocol"
)

// problemsMax bounds the problems that are remembered, at about 150 bytes each. It is as
// many as a directory has cities. What is beyond it is left out: who looks then has
// enough to look at.
const problemsMax = 4096

// A Finding is one problem of one city, as it is now.
type Finding struct {
	Code protocol.Problem
	City string
	Peer string // the peer ID's bytes
	// Detail is what is known beside the code, in words for people; it may change
	// while the problem lasts. Empty: nothing.
	Detail string
}

// A Problem is a Finding that was found before, or just now.
type Problem struct {
	Finding
	// Since is when it was first found, by the running time of this process.
	Since time.Time
}

// key is what makes two findings the same problem.
type key struct {
	code protocol.Problem
	peer string
}

// A ledger has the problems that there are. It is plain state: it reads no clock and
// takes no lock.
type ledger struct{ open map[key]Problem }

func newLedger() *ledger { return &ledger{open: make(map[key]Problem)} }

// update replaces the problems by those that were found at the time now. It returns those
// that have begun and those that are over, each in a fixed order. A problem found twice
// counts once.
func (l *ledger) update(now time.Time, found []Finding) (begun, over []Problem) {
	found = found[:min(len(found), problemsMax)]
	next := make(map[key]Problem, len(found))
	for _, f := range found {
		k := key{f.Code, f.Peer}
		before, known := l.open[k]
		p := Problem{Finding: f, Since: now}
		if known {
			p.Since = before.Since
		} else if _, twice := next[k]; !twice {
			begun = append(begun, p)
		}
		next[k] = p
	}
	for k, p := range l.open {
		if _, still := next[k]; !still {
			over = append(over, p)
		}
	}
	l.open = next
	slices.SortFunc(over, byCity)
	return begun, over
}

// all returns the problems of the peer self first, then the others by city.
func (l *ledger) all(self string) []Problem {
	some := make([]Problem, 0, len(l.open))
	for _, p := range l.open {
		some = append(some, p)
	}
	slices.SortFunc(some, func(a, b Problem) int {
		return cmp.Or(rank(a, self)-rank(b, self), byCity(a, b))
	})
	return some
}

func rank(p Problem, self string) int {
	if p.Peer == self {
		return 0
	}
	return 1
}

func byCity(a, b Problem) int {
	return cmp.Or(cmp.Compare(a.City, b.City), cmp.Compare(a.Peer, b.Peer), cmp.Compare(a.Code, b.Code))
}
