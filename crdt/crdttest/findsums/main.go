package main

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/citynode/citynode/crdt/crdttest"
)

const (
	// depth is how often lists are joined; there are 2^depth of them.
	depth = 7
	// windowBits is how many bits become zero by a join: 128 in all, two windows by the
	// last one.
	windowBits = 16
	windowMask = 1<<windowBits - 1
	// leafMax and sumsMax are how long the lists are, at first and later. A little more
	// than 2^windowBits, so that few searches fail.
	leafMax = 72_000
	sumsMax = 3 << (windowBits - 1)
)

// A sum is what entries of several lists add up to, in the digest's two lanes.
type sum [2]uint64

// window returns the nth bits of a sum, from the low ones of the first lane up.
func (s sum) window(n int) uint64 { return s[n/4] >> (n % 4 * windowBits) & windowMask }

func (s sum) plus(t sum) sum { return sum{s[0] + t[0], s[1] + t[1]} }

// A node is a list of sums, and where they come from.
type node struct {
	sums        []sum
	from        [][2]uint32 // the places of a sum's parts in left and right
	left, right *node
	first       uint64 // of a leaf: the first of its tombstones
}

func main() {
	for {
		begun := time.Now()
		seed := rand.Uint64() << 32
		root := build(depth, 0, seed)
		fmt.Printf("%d pairs of sets after %d hashes, %v\n", len(root.from), leafMax<<depth, time.Since(begun).Round(time.Millisecond))
		if len(root.from) > 0 {
			for i, x := range root.parts(0) {
				if i == 1<<(depth-1) {
					fmt.Println("have the same digest as")
				}
				fmt.Printf("%#x,\n", x)
			}
			return
		}
	}
}

// build returns the sums of the lists from the index-th of this height on.
func build(height int, index, seed uint64) *node {
	if height == 0 {
		return leaf(seed+index*leafMax, index >= 1<<(depth-1))
	}
	n := &node{left: build(height-1, 2*index, seed), right: build(height-1, 2*index+1, seed)}
	n.join(height)
	n.left.sums, n.right.sums = nil, nil
	return n
}

// leaf returns the fingerprints of tombstones, or their negatives.
func leaf(first uint64, negative bool) *node {
	n := &node{first: first, sums: make([]sum, leafMax)}
	for i := range n.sums {
		f := crdttest.Twin(first + uint64(i)).Fingerprint()
		s := sum{binary.LittleEndian.Uint64(f[:]), binary.LittleEndian.Uint64(f[8:])}
		if negative {
			s = sum{-s[0], -s[1]}
		}
		n.sums[i] = s
	}
	return n
}

// join keeps the sums of one of the left and one of the right whose next window is zero.
func (n *node) join(height int) {
	var byWindow [1 << windowBits][]uint32
	for i, s := range n.right.sums {
		at := s.window(height - 1)
		byWindow[at] = append(byWindow[at], uint32(i))
	}
	for i, s := range n.left.sums {
		for _, j := range byWindow[-s.window(height-1)&windowMask] {
			both := s.plus(n.right.sums[j])
			if height == depth && both != (sum{}) {
				continue
			}
			if len(n.from) == sumsMax {
				return
			}
			n.sums = append(n.sums, both)
			n.from = append(n.from, [2]uint32{uint32(i), j})
		}
	}
}

// parts returns the tombstones that a sum is made of.
func (n *node) parts(i uint32) []uint64 {
	if n.left == nil {
		return []uint64{n.first + uint64(i)}
	}
	return append(n.left.parts(n.from[i][0]), n.right.parts(n.from[i][1])...)
}
