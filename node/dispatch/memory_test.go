package dispatch

import (
	"context"
	"errors"
	"testing"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/crdt/crdttest"
)

func deathsAt(stamp crdt.Stamp, ids ...int) (e crdt.Entries) {
	for _, id := range ids {
		e.Tombstones = append(e.Tombstones, crdt.Tombstone{ID: crdttest.IDOf(id), Version: crdt.Version{HLC: stamp}})
	}
	return e
}

// A hero that two cities killed has a later tombstone, and that is no news.
func TestOnlyTheFirstDeathIsToldAndOnlyWhatIsHere(t *testing.T) {
	for _, location := range []string{"", gotham} {
		m, o := newMemory(location, DefaultRememberedMax), &orderer{}
		elsewhere := 0
		if location == "" {
			elsewhere = 1
		}
		for what, row := range []struct {
			entries crdt.Entries
			told    int
		}{
			{heroes(o.hero(crdttest.IDOf(1), gotham)), 1},
			{heroes(o.hero(crdttest.IDOf(2), metropolis)), elsewhere},
			{heroes(o.hero(crdttest.IDOf(2), crdt.Home)), elsewhere},
			{deathsAt(1, 1), 1},
			{deathsAt(2, 1), 0},
			{deathsAt(1, 2), elsewhere},
		} {
			if changes, err := m.merge(row.entries); err != nil || len(changes) != row.told {
				t.Errorf("location %q, %d: told %+v, %v, want %d", location, what, changes, err, row.told)
			}
		}
	}
}

func TestAMemoryHoldsAsManyEntriesAsItMay(t *testing.T) {
	m, o := newMemory("", 2), &orderer{}
	for n, want := range []error{nil, nil, ErrTooManyEntries} {
		e := heroes(o.hero(crdttest.IDOf(n), gotham))
		if n == 1 {
			e = deathsAt(1, n)
		}
		if _, err := m.merge(e); !errors.Is(err, want) {
			t.Errorf("entry %d: %v, want %v", n+1, err, want)
		}
	}
}

// What a city told before its watch ended was its last word.
func TestChangesThatWaitWhenAWatchEndsAreTold(t *testing.T) {
	errEnded := errors.New("the watch has ended")
	for range 50 { // the end and what waits come in either order
		o, told := &orderer{}, 0
		f := &follower{
			memory: newMemory("", DefaultRememberedMax),
			yield:  func(Update, error) bool { told++; return true },
		}
		w := &watch{replies: make(chan crdt.Entries, 3), ended: make(chan error, 1)}
		for n := range 3 {
			w.replies <- heroes(o.hero(crdttest.IDOf(n), gotham))
		}
		w.ended <- errEnded
		ctx, cancel := context.WithCancel(t.Context())
		err := f.listen(ctx, source{}, w)
		cancel()
		if !errors.Is(err, errEnded) || told != 3 {
			t.Fatalf("told %d of 3, %v", told, err)
		}
	}
}
