package reconcile

import "github.com/citynode/citynode/crdt"

const (
	// MessageBytesMax bounds a message: the item of one frame.
	MessageBytesMax = 256 << 10

	// claimMax is the most entries of a kind that a summary may claim: no
	// replica can hold more, since its positions are 32 bits wide.
	claimMax = 1 << 32

	// growthFactor and growthSlack are how much more than it claimed when the
	// session began a side may send: a state grows meanwhile, and a walk over
	// it may meet an entry twice.
	growthFactor = 2
	growthSlack  = 64 << 10

	// findMax is how many symbols are looked up at once. Their entries, of
	// crdt.HeroBytesMax at most each, fit a message.
	findMax = 1024
	// wantMax is how many symbols one message asks for: 128 KiB of them.
	wantMax = 16 << 10
	// cellsPerMessage keeps a part of a sketch, at 11 bytes a cell, well within
	// a message.
	cellsPerMessage = 16 << 10
	// cellsMax is the most cells that are asked for, or sent.
	cellsMax = 1 << 20

	// asksMax bounds the sketches of one session: a few rounds, each with a few
	// attempts.
	asksMax = 16
	// roundsMax is how often a session looks for differences. Each round after
	// the first is needed only if entries changed between a sketch and the
	// question for them, and finds fewer of them.
	roundsMax = 6
	// attemptsMax is how many sketches of a round may turn out too short.
	attemptsMax = 3
)

// checkClaim refuses a summary that no replica can have.
func checkClaim(s crdt.Summary) error {
	if s.Heroes > claimMax || s.Tombstones > claimMax {
		return violation("a summary of %d heroes and %d tombstones", s.Heroes, s.Tombstones)
	}
	return nil
}

// allowance returns how many entries a side may send that began with this summary,
// which has passed checkClaim.
func allowance(s crdt.Summary) uint64 {
	return growthFactor*(s.Heroes+s.Tombstones) + growthSlack
}

// checkSent refuses more entries than a side may send that began with hello.
func checkSent(sent uint64, hello Hello) error {
	if limit := allowance(hello.Summary); sent > limit {
		return violation("%d entries, at most %d of one that claimed %d heroes and %d tombstones",
			sent, limit, hello.Summary.Heroes, hello.Summary.Tombstones)
	}
	return nil
}

// checkCounts refuses an account of more changes than entries were sent.
func checkCounts(m Message, sent uint64) error {
	if m.changed > sent {
		return violation("%s counts %d changed of %d entries", m.kind, m.changed, sent)
	}
	return nil
}
