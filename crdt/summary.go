package crdt

// Summary is what replicas compare: they hold the same entries if and only if,
// but for collisions of SHA-256, their summaries are equal.
type Summary struct {
	Heroes     uint64 // living heroes
	Tombstones uint64 // dead ones
	Digest     Digest // over both
}

func (s *Summary) add(r Record) {
	s.count(r.Kind, 1)
	if r.Kind != KindNone {
		s.Digest.Add(r.Fingerprint())
	}
}

func (s *Summary) remove(r Record) {
	s.count(r.Kind, ^uint64(0)) // minus one
	if r.Kind != KindNone {
		s.Digest.Remove(r.Fingerprint())
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
