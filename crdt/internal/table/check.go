package table

import "fmt"

// Check walks through the table and returns an error unless it has so many
// records, each in reach of its hash. It is for tests.
func (t *Table) Check(records int) error {
	for i := range t.shards {
		s := &t.shards[i]
		used := 0
		for at, entry := range s.slots {
			if entry.ref == None {
				continue
			}
			used++
			for i := home(entry.tag, len(s.slots)); i != at; i = s.after(i) {
				if s.slots[i].ref == None {
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

// Check returns an error if any two of the texts that are said to be in the arena
// overlap, or one of them a free place, or if much is neither. It is for tests.
func (a *Arena) Check(texts func(yield func(at uint32, size uint8) bool)) error {
	const free = -1
	owner := make([]int, a.fresh) // of each unit: 0 is nobody, else which text
	claim := func(who int, at, units uint32) error {
		for i := at; i < at+units; i++ {
			if owner[i] != 0 {
				return fmt.Errorf("unit %d belongs to %d and %d", i, owner[i], who)
			}
			owner[i] = who
		}
		return nil
	}
	n := 0
	for at, size := range texts {
		n++
		if err := claim(n, at, arenaUnits(size)); err != nil {
			return err
		}
	}
	for units, next := range a.free {
		for ; next != 0; next = a.nextFree(next - 1) {
			if err := claim(free, next-1, uint32(units)); err != nil {
				return err
			}
		}
	}
	lost := 0
	for _, who := range owner {
		if who == 0 {
			lost++
		}
	}
	if lost > len(a.chunks)*TextBytesMax/arenaUnit {
		return fmt.Errorf("%d units are lost", lost)
	}
	return nil
}
