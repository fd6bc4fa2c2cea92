package reconcile

import "github.com/citynode/citynode/crdt"

// A Result is what a session has come to so far.
type Result struct {
	// Peer is the other side as it was when the session began.
	Peer Hello
	// Complete says that each side holds what the other held when the session
	// began, but for the skipped heroes. It is never set after a partial one.
	Complete bool
	// Differed counts the entries that one side lacked and now holds; of an ID
	// that the sides knew in two versions the winning one counts, once. It is
	// exact unless the states changed meanwhile.
	Differed uint64
	// Skipped counts the entries that one side left out, or would have: heroes for their
	// future stamps, and entries of IDs that it had not heard of since it is full.
	Skipped uint64
	// Future are heroes that this side left out, to be put into a Deferred; at
	// most as many as one holds.
	Future []crdt.Hero
	// LeftOut are symbols of entries that this side left out since it is full; at most
	// leftOutMax.
	LeftOut []uint64
	// Bulk says that a whole state was sent, one way or both.
	Bulk bool
	// Audited says that a part of the states was audited after equal summaries.
	Audited bool
	// EntriesIn and EntriesOut count the entries received and sent,
	// MessagesIn and MessagesOut the messages, CellsIn the cells of sketches
	// received.
	EntriesIn, EntriesOut   uint64
	MessagesIn, MessagesOut uint64
	CellsIn                 uint64

	left map[uint64]bool // symbols of some that count as skipped
}

// leftOutMax bounds the symbols that a session remembers as left out. One that is not
// remembered is asked for again by the next session, no worse.
const leftOutMax = 16 << 10

// merged counts what a batch has changed in the own replica. It fails with ErrSated where
// that takes no more.
func (r *Result) merged(m Merged) error {
	r.Differed += uint64(m.Changed)
	for _, h := range m.Future {
		if r.skip(h.Fingerprint().Symbol()) && len(r.Future) < deferredMax {
			r.Future = append(r.Future, h)
		}
	}
	for _, s := range m.LeftOut {
		if r.skip(s) && len(r.LeftOut) < leftOutMax {
			r.LeftOut = append(r.LeftOut, s)
		}
	}
	if m.Over > 0 {
		return ErrSated
	}
	return nil
}

// Fruitless reports whether a complete session exchanged whole states and neither side
// took anything, as where one of them is full: to do so again soon is no use.
func (r Result) Fruitless() bool { return r.Bulk && r.Complete && r.Differed == 0 }

// skip counts a hero that one side leaves out, and reports whether it was not
// counted before. It remembers at most deferredMax of them: beyond that a hero may
// be counted twice, which is better than memory that a peer decides on.
func (r *Result) skip(symbol uint64) bool {
	if r.left[symbol] {
		return false
	}
	if r.left == nil {
		r.left = make(map[uint64]bool)
	}
	if len(r.left) < deferredMax {
		r.left[symbol] = true
	}
	r.Skipped++
	return true
}
