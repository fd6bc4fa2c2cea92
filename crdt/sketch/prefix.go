package sketch

import "math"

// PrefixFor returns how many cells to ask for so that a difference that
// [Estimate] takes for d symbols decodes, in 98 of 100 cases or more:
// 1.2·(1.36·d + 2·√d) + 12. 1.36 is what a great difference needs, the root is
// for the spread of what small ones need, and the factor for the error of the
// estimate: more of it would cost more bytes than the second rounds it saves. A
// negative d counts as 0. It can be less than what has failed already.
func PrefixFor(d int) int {
	x := float64(max(d, 0))
	return 12 + int(math.Ceil(1.2*(1.36*x+2*math.Sqrt(x))))
}

// Next returns how many cells to ask for when m did not decode: a third more.
func Next(m int) int { return m + max(m, 0)/3 + 1 }
