package crdt

// IDs returns the IDs of the next entries of a walk through the whole state, tombstones
// before heroes, at most n of them and at least one if any is left; the cursor for those
// after them; and whether there are any. It costs O(n), and copies no entry.
//
// Every ID that was in the state at the first call is in at least one answer, as dead or
// as alive, and perhaps as both if it died meanwhile. The cursors are those of
// [State.Page].
func (s *State) IDs(c Cursor, n int) (dead, alive []ID, next Cursor, more bool) {
	n = max(n, 1)
	met, left := c.met(int(s.tombstones.Len())), c.left(int(s.heroes.Len()))
	tombstones := min(n, int(s.tombstones.Len())-met)
	heroes := min(n-tombstones, left)
	dead, alive = make([]ID, tombstones), make([]ID, heroes)
	for i := range dead {
		dead[i] = s.tombstones.At(uint32(met + i)).ID
	}
	for i := range alive {
		alive[i] = s.heroes.At(uint32(left - 1 - i)).id
	}
	more = met+tombstones < int(s.tombstones.Len()) || heroes < left
	return dead, alive, cursorOf(met+tombstones, left-heroes), more
}
