package protocol

import (
	"context"
	"errors"
	"testing"

	"github.com/citynode/citynode/crdt"
)

func TestUpdateIsSplitTombstonesFirstAndSummedUp(t *testing.T) {
	entries := crdt.Entries{Heroes: manyHeroes(20_000), Tombstones: make([]crdt.Tombstone, 10_000)}
	for i := range entries.Tombstones {
		entries.Tombstones[i].ID = crdt.ID{2, byte(i >> 8), byte(i)}
	}
	var heroes, tombstones, frames uint64
	c := dial(t, handlerFunc(func(_ context.Context, call *Call) (any, error) {
		var r UpdateRequest
		if err := call.Decode(&r); err != nil {
			return nil, err
		}
		if heroes > 0 && len(r.Entries.Tombstones) > 0 {
			t.Error("a tombstone came after a hero")
		}
		for _, h := range r.Entries.Heroes {
			if h != entries.Heroes[heroes] {
				t.Fatalf("hero %d is %v", heroes, h)
			}
			heroes++
		}
		tombstones += uint64(len(r.Entries.Tombstones))
		frames++
		return UpdateReply{Changed: uint64(r.Entries.Len()), Skipped: 1, Summary: crdt.Summary{Heroes: heroes}}, nil
	}))
	got, err := c.Update(t.Context(), entries)
	if err != nil || heroes != 20_000 || tombstones != 10_000 || frames < 5 {
		t.Fatalf("%d heroes and %d tombstones in %d frames, %v", heroes, tombstones, frames, err)
	}
	if want := (UpdateReply{Changed: 30_000, Skipped: frames, Summary: crdt.Summary{Heroes: 20_000}}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestUpdateOfNothingIsOneRequest(t *testing.T) {
	frames := 0
	c := dial(t, handlerFunc(func(context.Context, *Call) (any, error) {
		frames++
		return UpdateReply{Summary: summary}, nil
	}))
	got, err := c.Update(t.Context(), crdt.Entries{})
	if err != nil || got != (UpdateReply{Summary: summary}) || frames != 1 {
		t.Errorf("%d frames, got %v, %v", frames, got, err)
	}
}

func TestUpdateStopsAtTheFirstRefusal(t *testing.T) {
	n := 0
	c := dial(t, handlerFunc(func(ctx context.Context, call *Call) (any, error) {
		if call.Request.Method == MethodInfo {
			return testInfo, nil
		}
		if n++; n == 2 {
			return nil, Errorf(Busy, "later")
		}
		return UpdateReply{Changed: 1}, nil
	}))
	got, err := c.Update(t.Context(), crdt.Entries{Heroes: manyHeroes(40_000)})
	if !errors.Is(err, ErrBusy) || got.Changed != 1 {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := c.Info(t.Context()); err != nil {
		t.Error(err)
	}
	if n > 2+updateWindow { // all have been answered before info was
		t.Errorf("%d requests were sent", n)
	}
}

func TestSplitTakesAtLeastOneEntry(t *testing.T) {
	e := crdt.Entries{Heroes: []crdt.Hero{hero, hero}, Tombstones: []crdt.Tombstone{tombstone}}
	var sizes []int
	for e.Len() > 0 {
		var part crdt.Entries
		part, e = split(e, 1)
		sizes = append(sizes, part.Len())
	}
	if len(sizes) != 3 {
		t.Errorf("split into %v", sizes)
	}
}

func TestSplitTakesNoHeroBeforeTheLastTombstone(t *testing.T) {
	long := crdt.Tombstone{Version: crdt.Version{Assigned: 1 << 63, Replica: 1 << 63, HLC: 1 << 63}}
	small := crdt.Hero{Name: "A", Location: "b", Health: 1}
	e := crdt.Entries{Heroes: []crdt.Hero{small}, Tombstones: []crdt.Tombstone{long, long}}
	part, rest := split(e, crdt.TombstoneSize(long)+crdt.HeroSize(small))
	if len(part.Tombstones) != 1 || len(part.Heroes) != 0 || rest.Len() != 2 {
		t.Errorf("split into %v and %v", part, rest)
	}
}
