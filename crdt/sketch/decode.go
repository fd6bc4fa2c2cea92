package sketch

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

var (
	// ErrIncomplete says that the prefix does not decode. More cells will, see
	// [Next].
	ErrIncomplete = errors.New("sketch: too few cells for the difference")

	// ErrPoisoned says that the bytes are of no set: no correct program sends
	// them, and more of them will not help.
	ErrPoisoned = errors.New("sketch: cells of no set")
)

// accidentsMax is how many false lone symbols a decode forgives. An honest one
// of 1,000 to 10,000 symbols meets one in 1 of 200 to 500 cases, hardly ever two.
const accidentsMax = 4

// Decode returns in what two sets differ, given the first cells of one's own and
// the wire form of as many cells of the other: the symbols that are only in
// one's own and those that are only in the other, both in ascending order. They
// explain all the cells, each of them once, in as far as a cell on the wire tells.
//
// It returns an error and no symbols if the cells do not say: one that matches
// [ErrIncomplete] if the difference is too great for them, and one that matches
// [ErrPoisoned] if other has not the length of the cells in own, or if symbols
// come out of it again and again. A crafted stream that does so less than an
// accident might is told from a great difference by nothing, and is as harmless:
// whoever asks for more must stop after a few times.
func Decode(own []Cell, other []byte) (mine, theirs []uint64, err error) {
	if len(other) != len(own)*CellBytes {
		return nil, nil, fmt.Errorf("%w: %d bytes for %d cells", ErrPoisoned, len(other), len(own))
	}
	p := newPeeler(own, other)
	p.peel()
	mine, theirs = cancel(p.mine, p.theirs)
	switch {
	case len(p.mine)-len(mine) > accidentsMax, hasTwins(mine), hasTwins(theirs):
		return nil, nil, fmt.Errorf("%w: symbols come out again and again", ErrPoisoned)
	case !p.done():
		return nil, nil, ErrIncomplete
	}
	return mine, theirs, nil
}

// residue is what is left of a cell of the difference: one's own less the
// other's, modulo what goes over the wire.
type residue struct {
	sum   uint64
	check uint16
	count int8
	state cellState
}

// cellState is where a cell is on its way through the queue.
type cellState uint8

const (
	idle   cellState = iota // not in the queue
	queued                  // in it, once
	spent                   // a symbol was read off it: never again
)

// peeler takes the difference apart. No symbol is read off a cell twice: in a
// true difference the cell stays empty. So it ends, and none of its slices has
// more elements than there are cells.
//
// A check of 16 bits matches by accident now and then, most of all in the first
// cells, to which many symbols map. What is then taken out by mistake remains in
// its other cells with the opposite sign, and comes out of one of those in its
// turn, so that mine and theirs both have it.
type peeler struct {
	cells        []residue
	queue        []uint32 // a stack of cells that may hold a lone symbol
	path         []uint32 // the cells of the symbol at hand
	mine, theirs []uint64
}

func newPeeler(own []Cell, other []byte) *peeler {
	p := &peeler{cells: make([]residue, len(own))}
	for i := range own {
		b := other[i*CellBytes:][:CellBytes]
		p.cells[i] = residue{
			sum:   own[i].Sum - binary.LittleEndian.Uint64(b),
			check: uint16(own[i].Check) - binary.LittleEndian.Uint16(b[8:]),
			count: int8(own[i].Count) - int8(b[10]),
		}
		p.enqueue(uint32(i))
	}
	return p
}

// peel takes lone symbols out until there are none.
func (p *peeler) peel() {
	for len(p.queue) > 0 {
		i := p.queue[len(p.queue)-1]
		p.queue = p.queue[:len(p.queue)-1]
		c := &p.cells[i]
		c.state = idle
		if symbol, ok := p.lone(i); ok {
			c.state = spent
			p.takeOut(symbol, c.count)
		}
	}
}

// lone returns the symbol in cell i if it is alone there, with its cells in
// p.path.
func (p *peeler) lone(i uint32) (symbol uint64, ok bool) {
	c := &p.cells[i]
	if !single(c.count) {
		return 0, false
	}
	symbol = c.sum * uint64(int64(c.count))
	if symbol == 0 || c.check != signedCheck(symbol, c.count) {
		return 0, false
	}
	return symbol, p.trace(symbol, i)
}

// trace sets p.path to the cells of the symbol and says whether cell i is one.
func (p *peeler) trace(symbol uint64, i uint32) (found bool) {
	p.path = p.path[:0]
	w := start(symbol)
	for ; w.index < uint64(i); w.next() {
		p.path = append(p.path, uint32(w.index))
	}
	if w.index != uint64(i) {
		return false
	}
	for ; w.index < uint64(len(p.cells)); w.next() {
		p.path = append(p.path, uint32(w.index))
	}
	return true
}

// takeOut takes the symbol, with its count of ±1, out of the cells in p.path.
func (p *peeler) takeOut(symbol uint64, count int8) {
	if count > 0 {
		p.mine = append(p.mine, symbol)
	} else {
		p.theirs = append(p.theirs, symbol)
	}
	sum, check := symbol*uint64(int64(count)), signedCheck(symbol, count)
	for _, i := range p.path {
		c := &p.cells[i]
		c.sum -= sum
		c.check -= check
		c.count -= count
		p.enqueue(i)
	}
}

// enqueue puts cell i into the queue if its count is that of a lone symbol.
func (p *peeler) enqueue(i uint32) {
	if c := &p.cells[i]; single(c.count) && c.state == idle {
		c.state = queued
		p.queue = append(p.queue, i)
	}
}

// done says whether nothing is left. No cells at all say nothing.
func (p *peeler) done() bool {
	for i := range p.cells {
		if c := &p.cells[i]; c.sum != 0 || c.check != 0 || c.count != 0 {
			return false
		}
	}
	return len(p.cells) > 0
}

func single(count int8) bool { return count == 1 || count == -1 }

// signedCheck returns what the symbol adds to a cell's check on the wire.
func signedCheck(symbol uint64, count int8) uint16 {
	return uint16(check(symbol)) * uint16(int16(count))
}

// cancel sorts both and returns what is in one alone. It leaves both as long as
// they were, with any content.
func cancel(a, b []uint64) (restA, restB []uint64) {
	slices.Sort(a)
	slices.Sort(b)
	restA, restB = a[:0], b[:0]
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0] < b[0]:
			restA, a = append(restA, a[0]), a[1:]
		case a[0] > b[0]:
			restB, b = append(restB, b[0]), b[1:]
		default:
			a, b = a[1:], b[1:]
		}
	}
	return append(restA, a...), append(restB, b...)
}

func hasTwins(sorted []uint64) bool {
	for i := 1; i < len(sorted); i++ {
		if sorted[i] == sorted[i-1] {
			return true
		}
	}
	return false
}
