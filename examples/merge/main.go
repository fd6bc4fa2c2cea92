// Merge shows how two states become equal without a network. It makes two replicas of
// ten thousand heroes that differ in a few, and reconciles them by sketches: what is
// exchanged grows with the difference, not with the states.
//
//	go run ./merge
package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/crdt/sketch"
)

const heroes = 10_000

var noon = crdt.StampAt(time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC))

func main() {
	gotham, metropolis := replicas()
	sent, err := reconcile(gotham, metropolis)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("equal: %t, %d bytes exchanged for states of %d bytes\n",
		gotham.Summary() == metropolis.Summary(), sent, encodedSize(gotham))
}

// replicas returns two states that were equal and have been written to apart.
func replicas() (gotham, metropolis *crdt.State) {
	gotham, metropolis = crdt.NewState(), crdt.NewState()
	for i := range uint64(heroes) {
		gotham.MergeHero(heroAt("gotham", i, noon))
		metropolis.MergeHero(heroAt("gotham", i, noon))
	}
	// One hero died in gotham, and metropolis, which did not hear of it, got him later.
	gotham.MergeTombstone(crdt.Tombstone{ID: idOf(1), Version: crdt.Version{HLC: noon}})
	metropolis.MergeHero(heroAt("metropolis", 1, noon.Add(time.Hour)))
	// Another got an order in each; that of metropolis is the last one.
	gotham.MergeHero(heroAt("gotham", 2, noon.Add(time.Minute)))
	metropolis.MergeHero(heroAt("metropolis", 2, noon.Add(time.Hour)))
	// A third is new.
	gotham.MergeHero(heroAt("gotham", heroes, noon))
	return gotham, metropolis
}

// heroAt returns a hero that a city was given at a time.
func heroAt(city string, number uint64, at crdt.Stamp) crdt.Hero {
	return crdt.Hero{
		ID: idOf(number), Name: fmt.Sprintf("Citizen %d", number), Location: city, Health: crdt.HealthMax,
		Version: crdt.Version{Assigned: at, Replica: crdt.ReplicaOf([]byte(city)), HLC: at},
	}
}

func idOf(number uint64) (id crdt.ID) {
	binary.BigEndian.PutUint64(id[:], number+1)
	return id
}

// reconcile makes two states equal, and returns how many bytes the two would have
// sent to each other. Each takes only what the other lacks.
func reconcile(a, b *crdt.State) (sent int, err error) {
	onlyA, onlyB, sent, err := differences(a, b)
	if err != nil {
		return sent, err
	}
	fromA, fromB := entriesOf(a, onlyA), entriesOf(b, onlyB)
	a.Merge(fromB, crdt.NoHorizon)
	b.Merge(fromA, crdt.NoHorizon)
	return sent + crdt.EntriesSize(fromA) + crdt.EntriesSize(fromB), nil
}

// differences returns the symbols of the entries that only one of the states has. b
// sends a sample, from which a estimates how many cells of b it needs to tell.
func differences(a, b *crdt.State) (onlyA, onlyB []uint64, sent int, err error) {
	own := a.AppendCells(nil, a.Cells())
	sample := sketch.AppendSample(nil, b.AppendCells(nil, sketch.CellsMin))
	difference, err := sketch.Estimate(own, sample, entries(b))
	if err != nil {
		return nil, nil, 0, err
	}
	sent = len(sample)
	for cells := sketch.PrefixFor(difference); cells <= min(a.Cells(), b.Cells()); cells = sketch.Next(cells) {
		prefix := sketch.AppendPrefix(nil, b.AppendCells(nil, cells))
		sent += len(prefix)
		onlyA, onlyB, err = sketch.Decode(own[:cells], prefix)
		if !errors.Is(err, sketch.ErrIncomplete) {
			return onlyA, onlyB, sent, err
		}
	}
	return nil, nil, sent, errors.New("the states differ in too much: send one whole, page by page")
}

// entriesOf returns what a state holds under these symbols.
func entriesOf(s *crdt.State, symbols []uint64) (found crdt.Entries) {
	for _, symbol := range symbols {
		found, _ = s.AppendBySymbol(found, symbol)
	}
	return found
}

func entries(s *crdt.State) int {
	summary := s.Summary()
	return int(summary.Heroes + summary.Tombstones)
}

// encodedSize returns the bytes of a state's pages.
func encodedSize(s *crdt.State) (size int) {
	for cursor, more := crdt.Cursor(0), true; more; {
		var page crdt.Entries
		page, cursor, more = s.Page(cursor, 64<<10)
		size += crdt.EntriesSize(page)
	}
	return size
}
