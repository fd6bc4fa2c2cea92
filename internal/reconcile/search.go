package reconcile

import "context"

// A search is what is left of a look for entries by their symbols.
type search struct {
	symbols []uint64 // in the kept sketch, of those that are yet to be looked for
	unknown int      // those that are known not to be there, and not told yet
	// audit is what the entries are wanted for, and wanted their symbols in it, in the
	// order of symbols; zero and nil where they are those of the kept sketch.
	audit  Audit
	wanted []uint64
}

// newSearch returns a search by symbols of an audit, of which some have been located.
func newSearch(a Audit, symbols []uint64, located map[uint64]uint64) search {
	s := search{audit: a}
	for _, wanted := range symbols {
		kept, ok := located[wanted]
		if !ok {
			s.unknown++
			continue
		}
		s.symbols = append(s.symbols, kept)
		s.wanted = append(s.wanted, wanted)
	}
	return s
}

// done reports whether nothing is left.
func (s search) done() bool { return len(s.symbols) == 0 && s.unknown == 0 }

// next looks for the next findMax, and returns what is left after them.
func (s search) next(ctx context.Context, r Replica) (found Found, rest search, err error) {
	n := min(len(s.symbols), findMax)
	if n > 0 {
		found, err = r.Find(ctx, s.symbols[:n])
	}
	if err == nil && !s.audit.IsZero() {
		found = s.audited(found, s.wanted[:n])
		s.wanted = s.wanted[n:]
	}
	found.Unknown += s.unknown
	s.symbols, s.unknown = s.symbols[n:], 0
	return found, s, err
}

// audited leaves of what was found by symbols of the kept sketch what an audit wants. An
// entry that was replaced after it was located may have left another one under its symbol,
// which nobody wants: then the wanted one is unknown.
func (s search) audited(found Found, wanted []uint64) Found {
	isWanted := make(map[uint64]bool, len(wanted))
	for _, symbol := range wanted {
		isWanted[symbol] = true
	}
	some, there := s.audit.pick(found.Entries, func(symbol uint64) bool { return isWanted[symbol] })
	found.Entries = some
	found.Unknown = max(found.Unknown, len(isWanted)-len(there)-found.Replaced.Len())
	return found
}
