package membership

import (
	"encoding/binary"
	"math"
	"testing"
	"time"

	"github.com/citynode/citynode/crdt"
)

// state is the summary of a state that has nothing in common with those of other numbers.
func state(n int) (s crdt.Summary) {
	s.Heroes = 1
	binary.BigEndian.PutUint64(s.Digest[:], uint64(n))
	return s
}

// second is a moment of the clock that runs in this process, to the millisecond.
func second(n float64) time.Time {
	return noon.Add(time.Duration(math.Round(n*1000)) * time.Millisecond)
}

func TestAHistoryKnowsWhatTheCityHeldAndUntilWhen(t *testing.T) {
	var h history
	h.begin(state(1), second(1))
	h.begin(state(2), second(2))
	h.begin(state(2), second(3)) // no other state
	h.begin(state(3), second(4))
	h.begin(state(1), second(5))
	for _, row := range []struct {
		fact  string
		held  int
		since float64
		from  uint64
		want  bool
	}{
		{"what it holds now", 1, 9, 0, true},
		{"what it held until later", 3, 4.9, 0, true},
		{"what it held until that moment", 3, 5, 0, false},
		{"what it held before", 2, 4, 0, false},
		{"what it held for longer than one summary", 2, 3.5, 0, true},
		{"what it never held", 7, 0, 0, false},
		{"what it held at first", 1, 0, 0, true},
		{"what it held in a span that was looked at", 3, 0, 3, false},
		{"what it holds in a span that was looked at", 1, 9, 4, false},
	} {
		if h.had(state(row.held), second(row.since), row.from) != row.want {
			t.Errorf("%s: %v", row.fact, !row.want)
		}
	}
	if h.forget(); h.had(state(1), second(0), 0) {
		t.Error("what was forgotten is known")
	}
	if h.begin(state(1), second(6)); !h.had(state(1), second(6), 4) {
		t.Error("what it holds after that is not known")
	}
}

func TestAHistoryKeepsTheNewestOfMany(t *testing.T) {
	var h history
	const all = 3 * historyMax
	for n := range all {
		h.begin(state(n), second(float64(n)))
	}
	if len(h.spans) != historyMax {
		t.Errorf("%d spans", len(h.spans))
	}
	for _, n := range []int{0, all - historyMax - 1, all - historyMax, all - 1} {
		if kept := n >= all-historyMax; h.had(state(n), second(0), 0) != kept {
			t.Errorf("of %d states number %d is kept: %v", all, n, !kept)
		}
	}
}
