package crdt_test

import (
	"runtime"
	"strconv"
	"testing"

	"github.com/citynode/citynode/crdt"
)

func TestAHeroTakesLittleMemory(t *testing.T) {
	const size, bytesMax = 200_000, 180
	before := liveBytes()
	s := crdt.NewState()
	for i := range size {
		s.MergeHero(heroOf(i, 0))
	}
	if got := (liveBytes() - before) / size; got > bytesMax {
		t.Errorf("%d bytes a hero, at most %d", got, bytesMax)
	}
	runtime.KeepAlive(s)
}

// The memory of a state is bounded by what it holds, whatever came and went.
func TestOverwritingTakesNoMemory(t *testing.T) {
	const heroes, writes, roundsMax, slack = 1000, 100, 16, 64 << 10
	for name, vary := range map[string]func(h *crdt.Hero, write int){
		"patrols":   func(*crdt.Hero, int) {},
		"locations": func(h *crdt.Hero, write int) { h.Location = "city-" + strconv.Itoa(write) },
		"a location each": func(h *crdt.Hero, write int) {
			h.Location = "city-" + h.Name[len("Hero "):] + "-" + strconv.Itoa(write)
		},
		"names": func(h *crdt.Hero, write int) { h.Name = string(make64(write))[:1+write%crdt.NameBytesMax] },
	} {
		s := crdt.NewState()
		round := func(first int) {
			for write := first; write < first+writes; write++ {
				for i := range heroes {
					h := heroOf(i, uint32(write))
					vary(&h, write)
					s.MergeHero(h)
				}
			}
		}
		round(0) // rings and free places are there now
		before := liveBytes()
		round(writes)
		if grown := liveBytes() - before; grown > slack {
			t.Errorf("%s: grown by %d bytes", name, grown)
		}
		if err := crdt.CheckState(s); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func make64(letter int) []byte {
	b := make([]byte, crdt.NameBytesMax)
	for i := range b {
		b[i] = 'a' + byte(letter%26)
	}
	return b
}

func TestKnownEntriesAreMergedWithoutAllocation(t *testing.T) {
	e := heroes(1000)
	for i := range 100 {
		e.Tombstones = append(e.Tombstones, crdt.Tombstone{ID: heroOf(1000+i, 0).ID})
	}
	s := stateOf(e)
	if got := testing.AllocsPerRun(10, func() { s.Merge(e, crdt.NoHorizon) }); got != 0 {
		t.Errorf("%v allocations", got)
	}
}

func TestOverwritingAllocatesNothing(t *testing.T) {
	s, write := stateOf(heroes(100)), uint32(0)
	for range 2 * crdt.ReplacedMax { // until the ring of replaced symbols is full
		write++
		s.MergeHero(heroOf(1, write))
	}
	h := heroOf(1, write)
	if got := testing.AllocsPerRun(100, func() {
		h.Version.HLC++
		if _, changed := s.MergeHero(h); !changed {
			t.Fatal("not merged")
		}
	}); got != 0 {
		t.Errorf("%v allocations", got)
	}
}

func TestABatchIsDecodedInFewAllocations(t *testing.T) {
	raw := crdt.AppendEntries(nil, heroes(1000))
	got := testing.AllocsPerRun(10, func() {
		if _, err := crdt.DecodeEntries(raw); err != nil {
			t.Fatal(err)
		}
	})
	if got > 3 {
		t.Errorf("%v allocations", got)
	}
}
