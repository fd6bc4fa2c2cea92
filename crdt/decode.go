package crdt

import "github.com/citynode/citynode/internal/cbor"

// DecodeHero reads one hero. It accepts exactly the canonical encoding of a
// valid hero, and nothing after it; any error is a *[DecodeError]. The result
// shares no memory with b.
func DecodeHero(b []byte) (Hero, error) {
	d := strict(b)
	return whole(d, d.anyHero())
}

// DecodeTombstone reads one tombstone. It accepts exactly the canonical
// encoding of a valid one, and nothing after it; any error is a *[DecodeError].
func DecodeTombstone(b []byte) (Tombstone, error) {
	d := strict(b)
	return whole(d, d.tombstone())
}

// DecodeEntries reads a batch. It accepts exactly what [AppendEntries] makes of
// valid entries, and nothing after it; any error is a *[DecodeError] with the
// place of the fault. An empty array gives an empty slice and an absent one a
// nil slice. The result shares no memory with b and takes at most a small
// multiple of its length. Names and locations are parts of one copy of b, so
// whoever keeps one hero of a batch keeps the copy: see [Hero.Detach]. A [State]
// keeps nothing of it.
func DecodeEntries(b []byte) (e Entries, err error) {
	d := strict(b)
	e = d.entries()
	if d.End(); d.Failed() {
		return Entries{}, d.fault()
	}
	return e, nil
}

// CutHero reads a hero as [DecodeHero] does, and returns the bytes that follow it.
func CutHero(b []byte) (h Hero, rest []byte, err error) {
	d := strict(b)
	return cut(d, d.anyHero())
}

// CutTombstone reads a tombstone as [DecodeTombstone] does, and returns the bytes
// that follow it.
func CutTombstone(b []byte) (t Tombstone, rest []byte, err error) {
	d := strict(b)
	return cut(d, d.tombstone())
}

// CutEntries reads a batch as [DecodeEntries] does, and returns the bytes that
// follow it. Names and locations are parts of one copy of all of b.
func CutEntries(b []byte) (e Entries, rest []byte, err error) {
	d := strict(b)
	return cut(d, d.entries())
}

// CutSummary reads a summary as [Summary.UnmarshalCBOR] does, and returns the
// bytes that follow it.
func CutSummary(b []byte) (s Summary, rest []byte, err error) {
	d := loose(b)
	return cut(d, d.summary())
}

// cut returns what d has read and what it has not, or the first fault.
func cut[T any](d *decoder, v T) (T, []byte, error) {
	if err := d.fault(); err != nil {
		var zero T
		return zero, nil, err
	}
	return v, d.Rest(), nil
}

// whole returns what d has read, unless something follows it.
func whole[T any](d *decoder, v T) (T, error) {
	d.End()
	v, _, err := cut(d, v)
	return v, err
}

// UnmarshalCBOR does what [DecodeHero] does.
func (h *Hero) UnmarshalCBOR(b []byte) (err error) {
	*h, err = DecodeHero(b)
	return err
}

// UnmarshalCBOR does what [DecodeTombstone] does.
func (t *Tombstone) UnmarshalCBOR(b []byte) (err error) {
	*t, err = DecodeTombstone(b)
	return err
}

// UnmarshalCBOR does what [DecodeEntries] does.
func (e *Entries) UnmarshalCBOR(b []byte) (err error) {
	*e, err = DecodeEntries(b)
	return err
}

// UnmarshalCBOR reads a byte string of 16 bytes. It stands in requests, which
// may be any well-formed CBOR, so its length need not be minimal.
func (id *ID) UnmarshalCBOR(b []byte) (err error) {
	d := loose(b)
	*id, err = whole(d, d.id())
	return err
}

// UnmarshalCBOR reads a byte string of 16 bytes; its length need not be minimal.
func (d *Digest) UnmarshalCBOR(b []byte) (err error) {
	in := loose(b)
	*d, err = whole(in, in.digest())
	return err
}

// UnmarshalCBOR reads a summary. It stands in responses and presences, whose
// unknown keys are ignored, so any order of keys and any further key will do;
// the three must be there, each once.
func (s *Summary) UnmarshalCBOR(b []byte) (err error) {
	d := loose(b)
	*s, err = whole(d, d.summary())
	return err
}

// anyHero reads a hero that stands alone.
func (d *decoder) anyHero() (h Hero) {
	d.kind = KindHero
	if d.fastHero(&h, Home) {
		return h
	}
	return d.hero("")
}

// hero reads a hero. location is one that is likely to be its own; where it
// is, its string is shared.
func (d *decoder) hero(location string) (h Hero) {
	d.kind = KindHero
	start := d.At()
	d.Fields("hero", heroFields)
	h.ID = d.id()
	h.Name = d.text("name", NameBytesMax, "")
	h.Location = d.text("location", CityNameBytesMax, location)
	h.Health = d.health()
	h.Patrolling = d.Bool("patrolling")
	h.Version = d.version()
	if !d.Failed() {
		d.check(start, h.Validate())
	}
	return h
}

func (d *decoder) tombstone() (t Tombstone) {
	d.kind = KindTombstone
	start := d.At()
	d.Fields("tombstone", tombstoneFields)
	t.ID = d.id()
	t.Version = d.version()
	if !d.Failed() {
		d.check(start, t.Validate())
	}
	return t
}

func (d *decoder) health() uint8 {
	start := d.At()
	n := d.Uint("health")
	if n > HealthMax {
		d.Fail(start, invalid("health", "%d is not in %d–%d", n, HealthMin, HealthMax))
		return 0
	}
	return uint8(n)
}

func (d *decoder) version() Version {
	return Version{
		Assigned: Stamp(d.Uint("assigned")),
		Replica:  ReplicaID(d.Uint("replica")),
		HLC:      Stamp(d.Uint("hlc")),
	}
}

func (d *decoder) entries() (e Entries) {
	start := d.At()
	keys := d.Expect(cbor.Map, "entries")
	if keys > 2 {
		d.Failf(start, "entries: %d keys, at most 2", keys)
	}
	var last uint64
	for ; keys > 0 && !d.Failed(); keys-- {
		at := d.At()
		key := d.Uint("key of entries")
		switch {
		case d.Failed():
		case key <= last:
			d.Failf(at, "key %d of entries is repeated, out of order or unknown", key)
		case key == keyHeroes:
			e.Heroes = d.heroes()
		case key == keyTombstones:
			e.Tombstones = d.tombstones()
		default:
			d.Failf(at, "key %d of entries is unknown", key)
		}
		last = key
	}
	return e
}

func (d *decoder) heroes() []Hero {
	heroes := make([]Hero, d.Array("heroes", heroBytesMin))
	location := Home
	for i := range heroes {
		if d.fastHero(&heroes[i], location) {
			location = heroes[i].Location
			continue
		}
		d.entry = i
		heroes[i] = d.hero(location)
		if d.Failed() {
			return nil
		}
		location = heroes[i].Location // pages of one city's heroes share it
	}
	d.kind, d.entry = KindNone, -1
	return heroes
}

func (d *decoder) tombstones() []Tombstone {
	tombstones := make([]Tombstone, d.Array("tombstones", tombstoneBytesMin))
	for i := range tombstones {
		if d.fastTombstone(&tombstones[i]) {
			continue
		}
		d.entry = i
		tombstones[i] = d.tombstone()
		if d.Failed() {
			return nil
		}
	}
	d.kind, d.entry = KindNone, -1
	return tombstones
}

func (d *decoder) summary() (s Summary) {
	if d.fastSummary(&s) {
		return s
	}
	start := d.At()
	pairs := d.Expect(cbor.Map, "summary")
	var seen [summaryFields + 1]bool
	for ; pairs > 0 && !d.Failed(); pairs-- {
		at := d.At()
		key, known := d.summaryKey()
		if !known {
			d.Skip()
			continue
		}
		if seen[key] {
			d.Failf(at, "key %d of the summary is repeated", key)
		}
		seen[key] = true
		switch key {
		case keyHeroes:
			s.Heroes = d.Uint("heroes")
		case keyTombstones:
			s.Tombstones = d.Uint("tombstones")
		case keyDigest:
			s.Digest = d.digest()
		}
	}
	for key := uint64(keyHeroes); key <= keyDigest; key++ {
		if !seen[key] {
			d.Failf(start, "summary: key %d is missing", key)
		}
	}
	return s
}

// summaryKey reads or passes over a key of any type and reports whether it is
// one of a summary's.
func (d *decoder) summaryKey() (key uint64, known bool) {
	if first, ok := d.Peek(); ok && cbor.MajorOf(first) != cbor.Uint {
		d.Skip()
		return 0, false
	}
	key = d.Uint("key of the summary")
	return key, !d.Failed() && keyHeroes <= key && key <= keyDigest
}
