package crdt_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/citynode/citynode/crdt"
)

// Whatever is written between two steps, nobody who was known at the start is missed, and
// in peace each is met once, as what it is.
func TestAWalkThroughIDsMissesNobody(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := crowded(t)
		n, peace := rapid.IntRange(-1, 9).Draw(t, "n"), rapid.Bool().Draw(t, "peace")
		atStart, met, walked := contents(s), map[crdt.ID]bool{}, 0
		for c, more := crdt.Cursor(0), true; more; {
			var dead, alive []crdt.ID
			dead, alive, c, more = s.IDs(c, n)
			if got := len(dead) + len(alive); got > max(n, 1) || got == 0 && more {
				t.Fatalf("%d IDs, at most %d", got, n)
			}
			for _, id := range dead {
				if _, is := s.Tombstone(id); !is {
					t.Fatalf("%v is not dead", id)
				}
				met[id] = true
			}
			for _, id := range alive {
				if _, is := s.Hero(id); !is {
					t.Fatalf("%v does not live", id)
				}
				met[id] = true
			}
			walked += len(dead) + len(alive)
			if more && !peace {
				disturb(t, s, func() {})
			}
		}
		for id := range atStart {
			if !met[id] {
				t.Fatalf("%v was known at the start and was not met", id)
			}
		}
		if peace && walked != len(atStart) {
			t.Fatalf("%d IDs in the walk, %d in the state", walked, len(atStart))
		}
	})
}
