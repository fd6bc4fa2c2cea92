package detection

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"time"
)

// saltEvery is how long peers keep their places on the ring. A peer that chose its name so
// that it stands beside a victim has to choose anew each hour.
const saltEvery = time.Hour

// A ring has each peer watched by the one before it. A place depends on the peer's name
// and the hour, so that nobody can choose whom it watches for long, and all peers whose
// clocks agree see the same ring. Where they do not agree some are watched by two, and
// some by none but those who ask at random, until they do.
type ring struct {
	salt   uint64
	places []place // in order; nil: to be made
}

type place struct {
	at     uint64
	member *member
}

// placeOf returns where a peer stands while the salt holds.
func placeOf(p Peer, salt uint64) uint64 {
	text := append(binary.BigEndian.AppendUint64(nil, salt), p...)
	sum := sha256.Sum256(text)
	return binary.BigEndian.Uint64(sum[:])
}

// forget has the ring made anew.
func (r *ring) forget() { r.places = nil }

// walk calls visit with the members after self, each once, until it returns false.
func (r *ring) walk(self Peer, members []*member, wall time.Time, visit func(*member) bool) {
	salt := uint64(wall.Unix() / int64(saltEvery/time.Second))
	if r.places == nil || r.salt != salt {
		r.make(salt, members)
	}
	own := placeOf(self, r.salt)
	begin, _ := slices.BinarySearchFunc(r.places, own, func(p place, at uint64) int { return cmp.Compare(p.at, at) })
	for i := range r.places {
		if !visit(r.places[(begin+i)%len(r.places)].member) {
			return
		}
	}
}

func (r *ring) make(salt uint64, members []*member) {
	r.salt, r.places = salt, make([]place, len(members))
	for i, m := range members {
		r.places[i] = place{placeOf(m.peer, salt), m}
	}
	slices.SortFunc(r.places, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.member.peer, b.member.peer))
	})
}
