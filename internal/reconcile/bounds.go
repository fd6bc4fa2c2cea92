package reconcile

import "github.com/citynode/citynode/crdt"

const (
	// MessageBytesMax bounds a message: the item of one frame.
	MessageBytesMax = 256 << 10

	// batchBytesMin is the size at which a push is sent rather than filled
	// further. With one more page of about 64 KiB it stays far below
	// MessageBytesMax.
	batchBytesMin = 32 << 10

	// claimMax is the most entries of a kind that a summary may claim: no
	// replica can hold more, since its positions are 32 bits wide.
	claimMax = 1 << 32

	// growthFactor and growthSlack are how much more than it claimed when the
	// session began a side may send: a state grows meanwhile, and a walk over
	// it may meet an entry twice.
	growthFactor = 2
	growthSlack  = 64 << 10
)

// checkClaim refuses a summary that no replica can have.
func checkClaim(s crdt.Summary) error {
	if s.Heroes > claimMax || s.Tombstones > claimMax {
		return violation("a summary of %d heroes and %d tombstones", s.Heroes, s.Tombstones)
	}
	return nil
}

// allowance is how many entries a side may send that began with this summary,
// which has passed checkClaim.
func allowance(s crdt.Summary) uint64 {
	return growthFactor*(s.Heroes+s.Tombstones) + growthSlack
}

// checkCounts refuses an account of more entries than were sent.
func checkCounts(m Message, sent uint64) error {
	if m.changed > sent || m.skipped > sent-m.changed {
		return violation("%s counts %d changed and %d skipped of %d entries", m.kind, m.changed, m.skipped, sent)
	}
	return nil
}
