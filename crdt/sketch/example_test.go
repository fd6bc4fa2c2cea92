package sketch_test

import (
	"fmt"

	"github.com/citynode/citynode/crdt/sketch"
)

// One replica answers with a prefix of its cells, the other takes the difference
// apart.
func Example() {
	mine, theirs := sketch.New(1024), sketch.New(1024)
	for symbol := range uint64(100_000) {
		mine.Add(symbol + 1)
		theirs.Add(symbol + 1)
	}
	mine.Replace(42, 1<<40)
	theirs.Remove(7)

	own := mine.AppendCells(nil, sketch.CellsMin)
	d, err := sketch.Estimate(own, theirs.AppendSample(nil), theirs.Len())
	if err != nil {
		fmt.Println(err)
		return
	}
	m := sketch.PrefixFor(d)
	onlyMine, onlyTheirs, err := sketch.Decode(own[:m], theirs.AppendPrefix(nil, m))
	fmt.Println(onlyMine, onlyTheirs, err)
	// Output: [7 1099511627776] [42] <nil>
}
