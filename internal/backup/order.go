package backup

import (
	"errors"
	"fmt"

	"github.com/citynode/citynode/crdt"
)

// An order checks that entries come as they stand in a file: tombstones first, so that
// whoever merges them one after another never brings anybody back to life, then heroes,
// each by ascending ID, no ID twice. It sums them up as well. So equal states with equal
// heads have equal files.
type order struct {
	summary crdt.Summary
	last    [2]crdt.ID // of the tombstones, and of the heroes
	begun   [2]bool
}

// Where order keeps what it knows of a kind.
const (
	ofTombstones = iota
	ofHeroes
)

var errBothKinds = errors.New("tombstones and heroes in one frame")

// add takes the entries that come next.
func (o *order) add(e crdt.Entries) error {
	for _, t := range e.Tombstones {
		if o.begun[ofHeroes] {
			return fmt.Errorf("tombstone %v comes after a hero", t.ID)
		}
		if err := o.next(ofTombstones, crdt.TombstoneRecord(t)); err != nil {
			return err
		}
	}
	for _, h := range e.Heroes {
		if err := o.next(ofHeroes, crdt.HeroRecord(h)); err != nil {
			return err
		}
	}
	return nil
}

func (o *order) next(kind int, r crdt.Record) error {
	id := r.ID()
	if o.begun[kind] && id.Compare(o.last[kind]) <= 0 {
		return fmt.Errorf("%v comes after %v, and the IDs have to ascend", id, o.last[kind])
	}
	o.begun[kind], o.last[kind] = true, id
	o.summary = o.summary.Plus(crdt.SummaryOf(r))
	return nil
}

// complete returns an error unless all that a head promises has come.
func (o *order) complete(want crdt.Summary) error {
	if got := o.summary; got != want {
		return fmt.Errorf("%d heroes, %d tombstones, digest %v, and the head promises %d, %d, %v",
			got.Heroes, got.Tombstones, got.Digest, want.Heroes, want.Tombstones, want.Digest)
	}
	return nil
}
