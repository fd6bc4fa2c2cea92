package crdt

// backlogMax is how many writes may wait for the indexes to show them. Taken in
// together they read memory side by side and find the sketch in the cache. With
// more of them all callers wait for the loop meanwhile, and a processor idles.
const backlogMax = 256

// A backlog holds the writes that are not yet in what is looked up by symbols: the
// index, the ring of replaced symbols and the sketch. Writes are many and look-ups
// are few, so each look-up enters the backlog first.
type backlog struct {
	waiting []indexed
	touched uint32 // a sum of no meaning; see warm
}

// An indexed change says what one write means for the indexes: where the entry was
// and is, and under which symbol. An entry that has only moved keeps its symbol. A
// new entry was nowhere.
type indexed struct {
	id      ID
	out, in uint64
	was, is ref
}

func (x *indexed) moved() bool { return x.was != none && x.out == x.in }

// enter adds the change of a write to the backlog. It comes last in a write: once
// the backlog is full it is entered at once, from records that must be final.
func (s *State) enter(x indexed) {
	if s.backlog.waiting = append(s.backlog.waiting, x); len(s.backlog.waiting) >= backlogMax {
		s.enterAll()
	}
}

// enterMove adds to the backlog that the hero of this slot has moved. It comes in
// the middle of a write, so it never enters the backlog by itself.
func (s *State) enterMove(slot *heroSlot, was, is ref) {
	symbol := slot.fingerprint.symbol()
	s.backlog.waiting = append(s.backlog.waiting, indexed{out: symbol, in: symbol, was: was, is: is})
}

// enterAll brings all that is looked up by symbols up to date. Everything that
// reads one of the indexes comes through here first.
func (s *State) enterAll() {
	for rest := s.backlog.waiting; len(rest) > 0; {
		n := min(warmAhead, len(rest))
		s.enterSome(rest[:n])
		rest = rest[n:]
	}
	s.foldSketch(s.backlog.waiting)
	s.backlog.waiting = s.backlog.waiting[:0]
}

// enterSome enters up to warmAhead changes into the index and the replaced
// ones. It reads all places first, so that none waits for another; see warm.
func (s *State) enterSome(some []indexed) {
	var out, in [warmAhead]uint64
	touched := uint32(0)
	for i := range some {
		out[i], in[i] = s.hashSymbol(some[i].out), s.hashSymbol(some[i].in)
		touched += s.symbols.Touch(out[i]) + s.symbols.Touch(in[i])
	}
	s.backlog.touched += touched
	for i := range some {
		switch x := &some[i]; {
		case x.moved():
			s.symbols.Move(in[i], uint32(x.was), uint32(x.is))
		case x.was != none:
			s.symbols.Remove(out[i], uint32(x.was))
			s.replaced.add(replacement{symbol: x.out, hash: out[i], id: x.id})
			fallthrough
		default:
			s.symbols.Insert(in[i], uint32(x.is))
		}
	}
}
