package crdt

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// CheckState walks through all that s is made of and returns an error if any
// two parts of it disagree.
func CheckState(s *State) error {
	s.enterAll()
	return errors.Join(
		s.checkRecords(), s.checkCrowds(), s.checkNames(), s.checkReplaced(),
		s.ids.check(int(s.heroes.size+s.tombstones.size)),
		s.symbols.check(int(s.heroes.size+s.tombstones.size)),
	)
}

func (s *State) checkRecords() error {
	for i := range s.heroes.size {
		if err := s.checkHero(i); err != nil {
			return fmt.Errorf("hero %d: %w", i, err)
		}
	}
	for i := range s.tombstones.size {
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
	slot := s.heroes.at(at)
	c := s.crowds.at(slot.location)
	if c.members.at(slot.member) != at {
		return fmt.Errorf("not member %d of %q", slot.member, c.location)
	}
	if slot.patrolling && c.patrolling.at(slot.patroller) != at {
		return fmt.Errorf("not patroller %d of %q", slot.patroller, c.location)
	}
	return nil
}

// checkIndexed checks that both indexes have the record, under its own keys.
func (s *State) checkIndexed(r ref) error {
	if got := s.find(s.idAt(r)); got != r {
		return fmt.Errorf("its ID is found at %d, not %d", got, r)
	}
	symbol := s.printAt(r).symbol()
	if got, want := *s.printAt(r), s.record(r).Fingerprint().kept(); got != want {
		return fmt.Errorf("fingerprint %x is kept as %x", want, got)
	}
	p := s.symbols.probe(s.hashSymbol(symbol))
	for got := p.next(); got != r; got = p.next() {
		if got == none {
			return fmt.Errorf("symbol %x is not in the index", symbol)
		}
	}
	return nil
}

func (s *State) checkCrowds() error {
	members, patrolling := 0, 0
	for location, number := range s.crowds.numbers {
		c := s.crowds.at(number)
		if c.members.size == 0 || c.location != location {
			return fmt.Errorf("crowd %q is called %q and has %d members", location, c.location, c.members.size)
		}
		members += int(c.members.size)
		patrolling += int(c.patrolling.size)
	}
	if members != int(s.heroes.size) || patrolling > members {
		return fmt.Errorf("%d members, %d patrollers, %d heroes", members, patrolling, s.heroes.size)
	}
	unused := 0
	for next := s.crowds.unused; next != 0; next = s.crowds.at(next - 1).next {
		unused++
	}
	if unused+len(s.crowds.numbers) != int(s.crowds.size) {
		return fmt.Errorf("%d locations and %d unused, of %d", len(s.crowds.numbers), unused, s.crowds.size)
	}
	return nil
}

// checkNames checks that no two names overlap, nor a name and a free place, and
// that hardly anything is neither.
func (s *State) checkNames() error {
	owner := make([]string, s.names.fresh)
	claim := func(who string, at, units uint32) error {
		for i := at; i < at+units; i++ {
			if owner[i] != "" {
				return fmt.Errorf("unit %d of the names belongs to %s and %s", i, owner[i], who)
			}
			owner[i] = who
		}
		return nil
	}
	for i := range s.heroes.size {
		slot := s.heroes.at(i)
		if err := claim(fmt.Sprint("hero ", i), slot.name, arenaUnits(slot.nameBytes)); err != nil {
			return err
		}
	}
	for units, next := range s.names.free {
		for next != 0 {
			at := next - 1
			if err := claim("nobody", at, uint32(units)); err != nil {
				return err
			}
			next = s.names.nextFree(at)
		}
	}
	lost := 0
	for _, who := range owner {
		if who == "" {
			lost++
		}
	}
	if lost > len(s.names.chunks)*NameBytesMax/arenaUnit {
		return fmt.Errorf("%d units of the names are lost", lost)
	}
	return nil
}

func (s *State) checkReplaced() error {
	l := &s.replaced
	if l.index == nil {
		return nil
	}
	for i := range l.ring {
		p := l.index.probe(l.ring[i].hash)
		for r := p.next(); r != ringAt(i); r = p.next() {
			if r == none {
				return fmt.Errorf("replaced symbol %d is not in its index", i)
			}
		}
	}
	return l.index.check(len(l.ring))
}

// check checks that a table has so many records, in reach of their hashes.
func (t *table) check(records int) error {
	for i := range t.shards {
		s := &t.shards[i]
		used := 0
		for at, entry := range s.slots {
			if entry.ref == none {
				continue
			}
			used++
			for i := home(entry.tag, len(s.slots)); i != at; i = s.after(i) {
				if s.slots[i].ref == none {
					return fmt.Errorf("shard has a gap at %d before slot %d", i, at)
				}
			}
		}
		if used != s.used {
			return fmt.Errorf("a shard has %d records and counts %d", used, s.used)
		}
		records -= used
	}
	if records != 0 {
		return fmt.Errorf("a table lacks %d records", records)
	}
	return nil
}

// ReplacedMax is replacedMax.
const ReplacedMax = replacedMax

// ForgeSymbol has a record go by another symbol than its own, as if somebody
// had searched for entries that share one.
func ForgeSymbol(s *State, id ID, symbol uint64) {
	s.enterAll()
	r := s.find(id)
	s.symbols.remove(s.hashSymbol(s.printAt(r).symbol()), r)
	binary.LittleEndian.PutUint64(s.printAt(r)[16:], symbol)
	s.symbols.insert(s.hashSymbol(symbol), r)
}
