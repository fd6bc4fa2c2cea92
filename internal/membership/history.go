package membership

import (
	"time"

	"github.com/citynode/citynode/crdt"
)

// historyMax bounds the summaries of the own city that are kept: 256 KiB of them. A city
// that changes more often than 4,096 times in the second that a word may be on its way is
// compared by syncs alone.
const historyMax = 4096

// A history is what the own city held lately: its summaries, each from when it began
// until the next one began. The newest holds still. The caller guards it.
type history struct {
	// spans is a ring: the span with number n is at n modulo historyMax.
	spans []span
	// oldest and next are the numbers of the oldest span that is kept and of the next one.
	oldest, next uint64
}

// A span is the time in which the own city held one state.
type span struct {
	summary crdt.Summary
	began   time.Time
}

// at returns the span with that number, which is kept.
func (h *history) at(number uint64) *span { return &h.spans[number%historyMax] }

// begin notes that the city holds another state from now on.
func (h *history) begin(summary crdt.Summary, now time.Time) {
	if h.next > h.oldest && h.at(h.next-1).summary == summary {
		return
	}
	switch {
	case h.next < historyMax:
		h.spans = append(h.spans, span{summary, now})
	default:
		*h.at(h.next) = span{summary, now}
		h.oldest = max(h.oldest, h.next+1-historyMax)
	}
	h.next++
}

// forget drops all spans. The numbers go on, so that whoever has looked at some of the
// spans does not take later ones for those.
func (h *history) forget() { h.oldest = h.next }

// had reports whether the city held that state at some moment after since, going by the
// spans with the number from and later.
func (h *history) had(summary crdt.Summary, since time.Time, from uint64) bool {
	for n := h.next; n > max(h.oldest, from); n-- {
		if n < h.next && !h.at(n).began.After(since) {
			return false // this span had ended by then, and so had all before it
		}
		if h.at(n-1).summary == summary {
			return true
		}
	}
	return false
}
