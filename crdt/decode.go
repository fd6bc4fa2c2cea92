package crdt

// DecodeHero reads one hero. It accepts exactly the canonical encoding of a
// valid hero, and nothing after it; any error is a *[DecodeError]. The result
// shares no memory with b.
func DecodeHero(b []byte) (Hero, error) {
	r := newReader(b)
	h := r.hero("")
	r.end()
	if r.err != nil {
		return Hero{}, r.err
	}
	return h, nil
}

// DecodeTombstone reads one tombstone. It accepts exactly the canonical
// encoding of a valid one, and nothing after it; any error is a *[DecodeError].
func DecodeTombstone(b []byte) (Tombstone, error) {
	r := newReader(b)
	t := r.tombstone()
	r.end()
	if r.err != nil {
		return Tombstone{}, r.err
	}
	return t, nil
}

// DecodeEntries reads a batch. It accepts exactly what [AppendEntries] makes of
// valid entries, and nothing after it; any error is a *[DecodeError] with the
// place of the fault. An empty array gives an empty slice and an absent one a
// nil slice. The result shares no memory with b and takes at most a small
// multiple of its length. Names and locations are parts of one copy of b, so who
// keeps one hero of a batch for long keeps the copy; a [State] keeps nothing of
// it.
func DecodeEntries(b []byte) (Entries, error) {
	r := newReader(b)
	e := r.entries()
	r.end()
	if r.err != nil {
		return Entries{}, r.err
	}
	return e, nil
}

// UnmarshalCBOR is [DecodeHero].
func (h *Hero) UnmarshalCBOR(b []byte) (err error) {
	*h, err = DecodeHero(b)
	return err
}

// UnmarshalCBOR is [DecodeTombstone].
func (t *Tombstone) UnmarshalCBOR(b []byte) (err error) {
	*t, err = DecodeTombstone(b)
	return err
}

// UnmarshalCBOR is [DecodeEntries].
func (e *Entries) UnmarshalCBOR(b []byte) (err error) {
	*e, err = DecodeEntries(b)
	return err
}

// UnmarshalCBOR reads a byte string of 16 bytes. It stands in requests, which
// may be any well-formed CBOR, so its length need not be minimal.
func (id *ID) UnmarshalCBOR(b []byte) error {
	r := newReader(b)
	r.loose = true
	*id = r.id()
	r.end()
	return r.err
}

// UnmarshalCBOR reads a byte string of 16 bytes; its length need not be minimal.
func (d *Digest) UnmarshalCBOR(b []byte) error {
	r := newReader(b)
	r.loose = true
	*d = r.digest()
	r.end()
	return r.err
}

// UnmarshalCBOR reads a summary. It stands in responses and presences, whose
// unknown keys are ignored, so any order of keys and any further key will do;
// the three must be there, each once.
func (s *Summary) UnmarshalCBOR(b []byte) error {
	r := newReader(b)
	r.loose = true
	*s = r.summary()
	r.end()
	return r.err
}

// hero reads a hero. location is one that is likely to be its own; where it
// is, its string is shared.
func (r *reader) hero(location string) (h Hero) {
	r.kind = KindHero
	start := r.at
	r.array(heroFields, "hero")
	h.ID = r.id()
	h.Name = r.textItem("name", NameBytesMax, "")
	h.Location = r.textItem("location", CityNameBytesMax, location)
	h.Health = r.health()
	h.Patrolling = r.bool("patrolling")
	h.Version = r.version()
	if r.err == nil {
		r.check(start, h.Validate())
	}
	return h
}

func (r *reader) tombstone() (t Tombstone) {
	r.kind = KindTombstone
	start := r.at
	r.array(tombstoneFields, "tombstone")
	t.ID = r.id()
	t.Version = r.version()
	if r.err == nil {
		r.check(start, t.Validate())
	}
	return t
}

func (r *reader) check(start int, err error) {
	if err != nil {
		r.failWith(start, err)
	}
}

func (r *reader) health() uint8 {
	start := r.at
	n := r.uint("health")
	if n > HealthMax {
		r.failWith(start, invalid("health", "%d is not in %d–%d", n, HealthMin, HealthMax))
		return 0
	}
	return uint8(n)
}

func (r *reader) version() Version {
	return Version{
		Assigned: Stamp(r.uint("assigned")),
		Replica:  ReplicaID(r.uint("replica")),
		HLC:      Stamp(r.uint("hlc")),
	}
}

func (r *reader) entries() (e Entries) {
	start := r.at
	keys := r.expect(majorMap, "entries")
	if keys > 2 {
		r.fail(start, "entries: %d keys, at most 2", keys)
	}
	var last uint64
	for ; keys > 0 && r.err == nil; keys-- {
		at := r.at
		key := r.uint("key of entries")
		switch {
		case r.err != nil:
		case key <= last:
			r.fail(at, "key %d of entries is repeated, out of order or unknown", key)
		case key == keyHeroes:
			e.Heroes = r.heroes()
		case key == keyTombstones:
			e.Tombstones = r.tombstones()
		default:
			r.fail(at, "key %d of entries is unknown", key)
		}
		last = key
	}
	return e
}

func (r *reader) heroes() []Hero {
	heroes := make([]Hero, r.list("heroes", heroBytesMin))
	location := Home
	for i := range heroes {
		if r.quickHero(&heroes[i], location) {
			location = heroes[i].Location
			continue
		}
		r.entry = i
		heroes[i] = r.hero(location)
		if r.err != nil {
			return nil
		}
		location = heroes[i].Location // pages of one city's heroes share it
	}
	r.kind, r.entry = KindNone, -1
	return heroes
}

func (r *reader) tombstones() []Tombstone {
	tombstones := make([]Tombstone, r.list("tombstones", tombstoneBytesMin))
	for i := range tombstones {
		if r.quickTombstone(&tombstones[i]) {
			continue
		}
		r.entry = i
		tombstones[i] = r.tombstone()
		if r.err != nil {
			return nil
		}
	}
	r.kind, r.entry = KindNone, -1
	return tombstones
}

func (r *reader) summary() (s Summary) {
	start := r.at
	pairs := r.expect(majorMap, "summary")
	var seen [summaryFields + 1]bool
	for ; pairs > 0 && r.err == nil; pairs-- {
		at := r.at
		key, known := r.summaryKey()
		if !known {
			r.skip(1)
			continue
		}
		if seen[key] {
			r.fail(at, "key %d of the summary is repeated", key)
		}
		seen[key] = true
		switch key {
		case keyHeroes:
			s.Heroes = r.uint("heroes")
		case keyTombstones:
			s.Tombstones = r.uint("tombstones")
		case keyDigest:
			s.Digest = r.digest()
		}
	}
	for key := uint64(keyHeroes); key <= keyDigest; key++ {
		if !seen[key] {
			r.fail(start, "summary: key %d is missing", key)
		}
	}
	return s
}

// summaryKey reads or passes over a key of any type and reports whether it is
// one of a summary's.
func (r *reader) summaryKey() (key uint64, known bool) {
	if r.left() > 0 && r.b[r.at]&^31 != majorUint {
		r.skip(1)
		return 0, false
	}
	key = r.uint("key of the summary")
	return key, r.err == nil && keyHeroes <= key && key <= keyDigest
}
