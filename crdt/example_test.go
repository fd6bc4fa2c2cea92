package crdt_test

import (
	"fmt"
	"time"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/crdt/sketch"
)

var noon = crdt.StampAt(time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC))

// assigned returns a hero that a city was given at a time.
func assigned(id byte, name, city string, at crdt.Stamp) crdt.Hero {
	version := crdt.Version{Assigned: at, Replica: crdt.ReplicaOf([]byte(city)), HLC: at}
	return crdt.Hero{ID: crdt.ID{id}, Name: name, Location: city, Health: crdt.HealthMax, Version: version}
}

// give merges all that one state holds into another, page by page.
func give(from, to *crdt.State) {
	for cursor, more := crdt.Cursor(0), true; more; {
		var page crdt.Entries
		page, cursor, more = from.Page(cursor, 64<<10)
		to.Merge(page, crdt.NoHorizon)
	}
}

// Two replicas that were apart exchange what they hold and are the same, in whatever
// order that happens: the last order counts, and the dead stay dead.
func Example() {
	gotham, metropolis := crdt.NewState(), crdt.NewState()
	gotham.MergeHero(assigned(1, "Batman", "gotham", noon))
	metropolis.MergeHero(assigned(1, "Batman", "metropolis", noon.Add(time.Minute)))
	gotham.MergeHero(assigned(2, "Robin", "gotham", noon.Add(time.Hour)))
	metropolis.MergeTombstone(crdt.Tombstone{ID: crdt.ID{2}, Version: crdt.Version{HLC: noon}})

	give(gotham, metropolis)
	give(metropolis, gotham)

	fmt.Println("equal:", gotham.Summary() == metropolis.Summary())
	batman, _ := gotham.Hero(crdt.ID{1})
	fmt.Println("Batman is in", batman.Location)
	fmt.Println("Robin is a", gotham.Record(crdt.ID{2}).Kind)
	// Output:
	// equal: true
	// Batman is in metropolis
	// Robin is a tombstone
}

// Two large states find in what they differ from a few cells of their sketches, and
// exchange only that.
func ExampleState_AppendCells() {
	gotham, metropolis := crdt.NewState(), crdt.NewState()
	for id := range byte(200) {
		for _, state := range []*crdt.State{gotham, metropolis} {
			state.MergeHero(assigned(id, "Citizen", "gotham", noon))
		}
	}
	gotham.MergeHero(assigned(200, "Batman", "gotham", noon))
	metropolis.MergeHero(assigned(201, "Superman", "metropolis", noon))

	prefix := sketch.AppendPrefix(nil, metropolis.AppendCells(nil, 16)) // what is sent
	mine, theirs, err := sketch.Decode(gotham.AppendCells(nil, 16), prefix)
	if err != nil {
		fmt.Println(err)
		return
	}
	var missing crdt.Entries // of which metropolis is asked for
	for _, symbol := range theirs {
		missing, _ = metropolis.AppendBySymbol(missing, symbol)
	}
	gotham.Merge(missing, crdt.NoHorizon)
	fmt.Println(len(prefix), "bytes tell that gotham has", len(mine), "and lacks", missing.Heroes[0].Name)
	// Output: 176 bytes tell that gotham has 1 and lacks Superman
}

// A digest stands for a set of entries, in whatever order they came.
func ExampleState_Summary() {
	one, two := crdt.NewState(), crdt.NewState()
	batman, robin := assigned(1, "Batman", "gotham", noon), assigned(2, "Robin", "gotham", noon)
	one.MergeHero(batman)
	fmt.Println("equal:", one.Summary().Digest == two.Summary().Digest)
	one.MergeHero(robin)
	two.MergeHero(robin)
	two.MergeHero(batman)
	fmt.Println("equal:", one.Summary().Digest == two.Summary().Digest)
	// Output:
	// equal: false
	// equal: true
}
