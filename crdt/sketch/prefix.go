package sketch

import "math"

// PrefixFor returns how many cells to ask for so that a difference estimated at
// d symbols decodes, in some 98 of 100 cases: 1.1·d·(1.36 + 2.8/√d) + 16. The
// first factor makes up for the error of [Estimate], the term under the root for
// the spread of small differences; 1.36 is what a great one needs. A negative d
// counts as 0.
func PrefixFor(d int) int {
	x := float64(max(d, 0))
	return 16 + int(math.Ceil(1.1*(1.36*x+2.8*math.Sqrt(x))))
}

// Next returns how many cells to ask for when m did not decode: a third more.
func Next(m int) int { return m + max(m, 0)/3 + 1 }
