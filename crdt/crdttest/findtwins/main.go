package main

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"time"

	"github.com/citynode/citynode/crdt/crdttest"
)

// zeros is how many bits of a chain's end are 0: a chain has 2^zeros steps, and
// there will be some 2^(32−zeros) of them.
const zeros = 16

// stepsMax ends a chain that has run into a circle.
const stepsMax = 20 << zeros

type chain struct {
	start, end uint64
	steps      int
}

func main() {
	found := make(chan chain)
	for range runtime.NumCPU() {
		go walk(found)
	}
	begun, hashes := time.Now(), 0
	byEnd := make(map[uint64]chain)
	for c := range found {
		hashes += c.steps
		other, met := byEnd[c.end]
		if !met {
			byEnd[c.end] = c
			if len(byEnd)%1000 == 0 {
				fmt.Printf("%d chains, 2^32 × %.2f hashes, %v\n", len(byEnd), float64(hashes)/(1<<32), time.Since(begun).Round(time.Second))
			}
			continue
		}
		if a, b, ok := meeting(other, c); ok {
			fmt.Printf("twins: %#x, %#x after 2^32 × %.2f hashes\n", a, b, float64(hashes)/(1<<32))
			return
		}
	}
}

func walk(found chan<- chain) {
	for {
		c := chain{start: rand.Uint64()}
		for c.end = step(c.start); c.end&(1<<zeros-1) != 0 && c.steps < stepsMax; c.steps++ {
			c.end = step(c.end)
		}
		if c.steps++; c.steps < stepsMax {
			found <- c
		}
	}
}

// meeting returns the two that lead to the same, if neither chain begins on the
// other.
func meeting(a, b chain) (x, y uint64, ok bool) {
	if a.steps < b.steps {
		a, b = b, a
	}
	x, y = a.start, b.start
	for range a.steps - b.steps {
		x = step(x)
	}
	if x == y {
		return 0, 0, false
	}
	for step(x) != step(y) {
		x, y = step(x), step(y)
	}
	return x, y, true
}

func step(x uint64) uint64 { return crdttest.Twin(x).Fingerprint().Symbol() }
