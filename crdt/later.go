package crdt

import "github.com/citynode/citynode/crdt/internal/table"

// later are heroes that a city would tend but for their stamps, which are later than it
// may write on. They are not in the list of those tended, so that however many they are a
// tick finds one of the others in O(1). They lie in a heap, the earliest stamp first: with
// time they return to the list.
type later struct {
	until Stamp      // who is stamped later is here
	heap  table.List // positions in State.heroes; nobody is stamped earlier than the parent
}

// laterBit, in a slot's place among those tended, says that the place is in the heap.
const laterBit = 1 << 31

// isLater reports whether the hero waits in the heap.
func (slot *heroSlot) isLater() bool { return slot.tended&laterBit != 0 }

// TendUntil has the list of [NewTendedState] hold only heroes whose HLC is not after
// until. Heroes with a later one return to it when TendUntil is called with a later time.
// Where that is later than before, the cost is that of those who return. Where it is
// earlier, the cost is one look at each hero in the list.
func (s *State) TendUntil(until Stamp) {
	back := until < s.later.until
	s.later.until = until
	if back {
		// From the end, for whoever takes the place of one that goes was looked at before.
		for i := s.tended.list.Len(); i > 0; i-- {
			if at := s.tended.list.At(i - 1); s.heroes.At(at).version.HLC > until {
				s.untend(at)
				s.tend(at)
			}
		}
	}
	for h := &s.later.heap; h.Len() > 0 && s.heroes.At(h.At(0)).version.HLC <= until; {
		at := h.At(0)
		s.untend(at)
		s.tend(at)
	}
}

// Later returns the number of heroes that wait for a later [State.TendUntil].
func (s *State) Later() int { return int(s.later.heap.Len()) }

// postpone enters the hero at this position in the heap.
func (s *State) postpone(at uint32) { s.rise(s.later.heap.Push(at), at) }

// readmit takes the hero at this position out of the heap.
func (s *State) readmit(at uint32) {
	h, slot := &s.later.heap, s.heroes.At(at)
	place := slot.tended&^laterBit - 1
	slot.tended = 0
	if moved := h.Remove(place); moved != at {
		s.settle(place, moved)
	}
}

// settle puts a hero at a place of the heap, and then where it belongs from there.
func (s *State) settle(place, at uint32) {
	if place > 0 && s.earlier(at, s.later.heap.At((place-1)/2)) {
		s.rise(place, at)
		return
	}
	s.sink(place, at)
}

// rise puts a hero at a place of the heap, or as far towards its head as it belongs.
func (s *State) rise(place, at uint32) {
	h := &s.later.heap
	for place > 0 {
		parent := (place - 1) / 2
		if !s.earlier(at, h.At(parent)) {
			break
		}
		s.place(place, h.At(parent))
		place = parent
	}
	s.place(place, at)
}

// sink puts a hero at a place of the heap, or as far from its head as it belongs.
func (s *State) sink(place, at uint32) {
	h := &s.later.heap
	for {
		child := 2*place + 1
		if child >= h.Len() {
			break
		}
		if child+1 < h.Len() && s.earlier(h.At(child+1), h.At(child)) {
			child++
		}
		if !s.earlier(h.At(child), at) {
			break
		}
		s.place(place, h.At(child))
		place = child
	}
	s.place(place, at)
}

// place notes that the hero at this position is at a place of the heap.
func (s *State) place(place, at uint32) {
	s.later.heap.Set(place, at)
	s.heroes.At(at).tended = (place + 1) | laterBit
}

// earlier compares the stamps of two heroes by their positions.
func (s *State) earlier(a, b uint32) bool {
	return s.heroes.At(a).version.HLC < s.heroes.At(b).version.HLC
}
