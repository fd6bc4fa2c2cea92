package sketch

import (
	"fmt"
	"math"
)

const (
	// SamplePrefix is how many whole cells a sample begins with. They decode a
	// difference of up to about 16 at once.
	SamplePrefix = 32
	// SampleBytes is the size of a sample on the wire: it fits one packet.
	SampleBytes = SamplePrefix*CellBytes + sampleCells - SamplePrefix

	sampleCells = 256

	// estimateMax is where an estimate saturates: the counts of a difference
	// this great wrap so often that they are as good as random.
	estimateMax = 1 << 20
)

// Estimate returns about how many symbols two sets differ in, given the first
// cells of one's own ([CellsMin] or more), the other's sample and how many
// symbols the other says it has, up to 127 more or less than its sample holds.
//
// The count of cell i of the difference has the mean p·D and the variance
// p·(1−p)·d, where p is the cell's probability to hold a symbol, D the
// difference of the sets' sizes, and d the size of their difference. D is known,
// so it is d that the counts' deviations from the mean tell. The standard error
// is 9 to 10 % for d from 100 to 100 thousand, and less if only one set lacks
// something. Beyond, counts wrap at 256 and tell less: 12 % at 200 thousand, some
// 20 % at half a million. The estimate is never less than |D|, never more than
// both sets' sizes together, and saturates at a million (2^20) if |D| is less.
//
// It returns an error that matches [ErrPoisoned] if sample has the wrong length.
func Estimate(own []Cell, sample []byte, otherLen int) (int, error) {
	if len(sample) != SampleBytes {
		return 0, fmt.Errorf("%w: a sample of %d bytes", ErrPoisoned, len(sample))
	}
	counts := countDifferences(own[:sampleCells], sample)
	size := int64(own[0].Count)
	surplus := unwrap(counts[0], size-int64(min(max(otherLen, 0), math.MaxInt32)))
	least := max(surplus, -surplus)
	most := max(least, min(size+max(size-surplus, 0), estimateMax))
	devs := deviations(&counts, surplus)
	d := likeliest(&devs, float64(least), float64(most))
	return int(min(int64(math.Round(d)), math.MaxInt)), nil // an int may have 32 bits
}

// countDifferences returns one's own counts less the other's, modulo 256.
func countDifferences(own []Cell, sample []byte) (diff [sampleCells]int8) {
	for i := range own {
		at := SamplePrefix*CellBytes + i - SamplePrefix
		if i < SamplePrefix {
			at = i*CellBytes + CellBytes - 1
		}
		diff[i] = int8(own[i].Count) - int8(sample[at])
	}
	return diff
}

// unwrap returns the integer nearest to about that is count modulo 256.
func unwrap(count int8, about int64) int64 { return about + int64(count-int8(about)) }

// deviation is how far a count is from its mean, modulo 256, and the variance it
// would have if the sets differed in one symbol.
type deviation struct {
	square, cos float64 // of the deviation; the cosine is that of it as an angle
	variance    float64
}

// deviations returns those of all cells but cell 0, which has no variance.
func deviations(counts *[sampleCells]int8, surplus int64) (devs [sampleCells - 1]deviation) {
	for i := range devs {
		p := inclusion[i+1]
		mean := p * float64(surplus)
		whole := math.Round(mean)
		off := float64(counts[i+1]-int8(int64(whole))) + whole - mean
		devs[i] = deviation{off * off, math.Cos(2 * math.Pi / wrap * off), p * (1 - p)}
	}
	return devs
}

// likeliest returns the d from least to most for which the deviations are most
// likely: the root of the slope of their likelihood, by bisection.
func likeliest(devs *[sampleCells - 1]deviation, least, most float64) float64 {
	lo, hi := max(least, 0.5), most
	switch {
	case hi <= lo:
		return most
	case slope(devs, lo) <= 0:
		return least
	case slope(devs, hi) >= 0:
		return most
	}
	for range 24 {
		if mid := math.Sqrt(lo * hi); slope(devs, mid) > 0 {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo
}

const (
	wrap = 256 // the modulus of counts

	// wideVariance is from where on a count may have wrapped: a deviation of 128
	// is then within three times its standard error.
	wideVariance = 2000
)

// slope returns the derivative, by the logarithm of d, of twice the logarithm of
// the deviations' likelihood: that of normal distributions wrapped round at 256.
func slope(devs *[sampleCells - 1]deviation, d float64) (sum float64) {
	for i := range devs {
		v := &devs[i]
		if variance := v.variance * d; variance < wideVariance {
			sum += v.square/variance - 1
		} else {
			sum += wideSlope(v.cos, variance)
		}
	}
	return sum
}

// wideSlope is a summand of slope, from the Fourier series of the wrapped normal
// density, 1 + 2·Σ ρ^(k²)·cos(k·θ) with ln ρ = −variance·(2π/256)²/2. Its fourth
// term is below 10^−4.
func wideSlope(cos, variance float64) float64 {
	logRho := -variance * (2 * math.Pi / wrap) * (2 * math.Pi / wrap) / 2
	rho := math.Exp(logRho)
	rho4 := rho * rho * rho * rho
	first := rho * cos
	second := rho4 * (2*cos*cos - 1)
	third := rho4 * rho4 * rho * (4*cos*cos - 3) * cos
	return 4 * logRho * (first + 4*second + 9*third) / (1 + 2*(first+second+third))
}

// inclusion is the probability of a symbol to be in each of the first cells.
var inclusion = inclusions()

// inclusions follows the walk of a symbol: from cell i it goes more than g cells
// with a probability of ((i+1.5)/(i+1.5+g))^2. Cell 1 comes to 0.64, where
// 1/(1+i/2) is 0.667: that would take its mean to be off by 2.7 % of D, which is
// far more than the root of d if the difference is great and one-sided.
func inclusions() (p [sampleCells]float64) {
	p[0] = 1
	for i := range p {
		at := float64(i) + 1.5
		beyond := 1.0 // the probability to go further than cell j
		for j := i + 1; j < len(p); j++ {
			ratio := at / (at + float64(j-i))
			p[j] += p[i] * (beyond - ratio*ratio)
			beyond = ratio * ratio
		}
	}
	return p
}
