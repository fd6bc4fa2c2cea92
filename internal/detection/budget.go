package detection

import "time"

const (
	// hintsEvery and hintsAtOnce bound the hints that are taken from one author, so that
	// it cannot have all others asked without end, and those that this machine gives.
	hintsEvery  = 500 * time.Millisecond
	hintsAtOnce = 10
)

// A budget is a bucket of tokens, one more each so often.
type budget struct {
	full   int
	every  time.Duration
	tokens int
	since  time.Time // when the last token came; zero: it is full
}

func newBudget(full int, every time.Duration) budget {
	return budget{full: full, every: every, tokens: full}
}

// spend takes a token, and reports false where there is none.
func (b *budget) spend(now time.Time) bool {
	came := int(now.Sub(b.since) / b.every)
	switch {
	case b.since.IsZero() || came >= b.full-b.tokens:
		b.tokens, b.since = b.full, now
	case came > 0:
		b.tokens += came
		b.since = b.since.Add(time.Duration(came) * b.every)
	}
	if b.tokens == 0 {
		return false
	}
	b.tokens--
	return true
}

// next returns when a token is there to be spent, which may be in the past.
func (b *budget) next() time.Time {
	if b.tokens > 0 {
		return b.since
	}
	return b.since.Add(b.every)
}
