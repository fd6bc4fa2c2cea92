package crdt

// Summary is what replicas compare: they hold the same entries if and only if,
// but for collisions of SHA-256, their summaries are equal.
type Summary struct {
	Heroes     uint64 // living heroes
	Tombstones uint64 // dead ones
	Digest     Digest // over both
}

func (s *Summary) add(m mark) {
	s.count(m.ref.kind(), 1)
	if m.ref != none {
		s.Digest.Add(m.print)
	}
}

func (s *Summary) remove(m mark) {
	s.count(m.ref.kind(), ^uint64(0)) // minus one
	if m.ref != none {
		s.Digest.Remove(m.print)
	}
}

func (s *Summary) count(k Kind, n uint64) {
	switch k {
	case KindHero:
		s.Heroes += n
	case KindTombstone:
		s.Tombstones += n
	}
}
