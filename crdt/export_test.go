package crdt

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// DecodeHeroCarefully does what DecodeHero does, and never reads the quick way.
func DecodeHeroCarefully(b []byte) (Hero, error) {
	d := strict(b)
	return whole(d, d.hero(""))
}

// CheckState walks through all that s is made of and returns an error if any
// two parts of it disagree.
func CheckState(s *State) error {
	s.enterAll()
	return errors.Join(
		s.checkRecords(), s.checkResidents(), s.checkNames(), s.checkReplaced(),
		s.ids.Check(int(s.heroes.Len()+s.tombstones.Len())),
		s.symbols.Check(int(s.heroes.Len()+s.tombstones.Len())),
	)
}

func (s *State) checkRecords() error {
	for i := range s.heroes.Len() {
		if err := s.checkHero(i); err != nil {
			return fmt.Errorf("hero %d: %w", i, err)
		}
	}
	for i := range s.tombstones.Len() {
		if err := s.checkIndexed(tombstoneAt(i)); err != nil {
			return fmt.Errorf("tombstone %d: %w", i, err)
		}
	}
	return nil
}

func (s *State) checkHero(at uint32) error {
	if err := s.checkIndexed(heroAt(at)); err != nil {
		return err
	}
	slot := s.heroes.At(at)
	c := s.locations.At(slot.location)
	if c.members.At(slot.member) != at {
		return fmt.Errorf("not member %d of %q", slot.member, c.location)
	}
	tended := c.location == s.locations.tended && slot.version.Replica == s.tended.replica
	switch {
	case tended && slot.version.HLC > s.later.until:
		return s.checkLater(at)
	case tended != (slot.tended != 0):
		return fmt.Errorf("at place %d of those tended, in %q, of replica %d", slot.tended, c.location, slot.version.Replica)
	case tended && s.tended.list.At(slot.tended-1) != at:
		return fmt.Errorf("not at place %d of those tended", slot.tended)
	case tended && slot.patrolling != (slot.tended <= s.tended.patrolling):
		return fmt.Errorf("patrolling is %t, at place %d of those tended, of whom %d patrol", slot.patrolling, slot.tended, s.tended.patrolling)
	}
	return nil
}

// checkLater checks that a hero is where it says in the heap, and not before its parent.
func (s *State) checkLater(at uint32) error {
	slot := s.heroes.At(at)
	place := slot.tended&^laterBit - 1
	switch {
	case !slot.isLater() || s.later.heap.At(place) != at:
		return fmt.Errorf("not at place %d of those stamped later", place)
	case place > 0 && s.earlier(at, s.later.heap.At((place-1)/2)):
		return fmt.Errorf("at place %d of those stamped later it is earlier than its parent", place)
	}
	return nil
}

// checkIndexed checks that both indexes have the record, under its own keys.
func (s *State) checkIndexed(r ref) error {
	if got := s.find(s.idAt(r)); got != r {
		return fmt.Errorf("its ID is found at %d, not %d", got, r)
	}
	symbol := s.fingerprintAt(r).symbol()
	if got, want := *s.fingerprintAt(r), s.record(r).Fingerprint().short(); got != want {
		return fmt.Errorf("fingerprint %x is kept as %x", want, got)
	}
	p := s.symbols.Probe(s.hashSymbol(symbol))
	for got := ref(p.Next()); got != r; got = ref(p.Next()) {
		if got == none {
			return fmt.Errorf("symbol %x is not in the index", symbol)
		}
	}
	return nil
}

func (s *State) checkResidents() error {
	members := 0
	for location, number := range s.locations.numbers {
		c := s.locations.At(number)
		if c.members.Len() == 0 || c.location != location {
			return fmt.Errorf("residents %q is called %q and has %d members", location, c.location, c.members.Len())
		}
		members += int(c.members.Len())
	}
	if members != int(s.heroes.Len()) || s.tended.list.Len()+s.later.heap.Len() > s.heroes.Len() {
		return fmt.Errorf("%d members, %d tended and %d later, %d heroes", members, s.tended.list.Len(), s.later.heap.Len(), s.heroes.Len())
	}
	unused := 0
	for next := s.locations.unused; next != 0; next = s.locations.At(next - 1).next {
		unused++
	}
	if unused+len(s.locations.numbers) != int(s.locations.Len()) {
		return fmt.Errorf("%d locations and %d unused, of %d", len(s.locations.numbers), unused, s.locations.Len())
	}
	return nil
}

// checkNames checks that no two names overlap, nor a name and a free place, and
// that hardly anything is neither.
func (s *State) checkNames() error {
	err := s.names.Check(func(yield func(at uint32, size uint8) bool) {
		for i := range s.heroes.Len() {
			if slot := s.heroes.At(i); !yield(slot.name, slot.nameBytes) {
				return
			}
		}
	})
	if err != nil {
		return fmt.Errorf("names: %w", err)
	}
	return nil
}

func (s *State) checkReplaced() error {
	l := &s.replaced
	if l.index == nil {
		return nil
	}
	for i := range l.ring {
		p := l.index.Probe(l.ring[i].hash)
		for r := ref(p.Next()); r != ringAt(i); r = ref(p.Next()) {
			if r == none {
				return fmt.Errorf("replaced symbol %d is not in its index", i)
			}
		}
	}
	return l.index.Check(len(l.ring))
}

// ReplacedMax is replacedMax.
const ReplacedMax = replacedMax

// ForgeSymbol has a record go by another symbol than its own, as if somebody
// had searched for entries that share one.
func ForgeSymbol(s *State, id ID, symbol uint64) {
	s.enterAll()
	r := s.find(id)
	s.symbols.Remove(s.hashSymbol(s.fingerprintAt(r).symbol()), uint32(r))
	binary.LittleEndian.PutUint64(s.fingerprintAt(r)[16:], symbol)
	s.symbols.Insert(s.hashSymbol(symbol), uint32(r))
}

// ForbiddenInName reports whether a code point is of the frozen list.
func ForbiddenInName(r rune) bool { return forbiddenInName(r) }
