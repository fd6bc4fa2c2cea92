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

// Decode returns in what two sets differ, given the first cells of one's own and
// the wire form of as many cells of the other: the symbols that are only in
// one's own and those that are only in the other, both in ascending order.
//
// It returns an error and no symbols if the cells do not say: one that matches
// [ErrIncomplete] if the difference is too great for them, and one that matches
// [ErrPoisoned] if other has not the length of the cells in own, if it decodes
// to more symbols than there are cells, or if a symbol comes out of it twice.
// Among honest peers a check that matches by accident leads there in less than
// one of 10^5 decodes.
func Decode(own []Cell, other []byte) (mine, theirs []uint64, err error) {
	if len(other) != len(own)*CellBytes {
		return nil, nil, fmt.Errorf("%w: %d bytes for %d cells", ErrPoisoned, len(other), len(own))
	}
	p := newPeeler(own, other)
	if err := p.peel(); err != nil {
		return nil, nil, err
	}
	if repeats(p.mine, p.theirs) {
		return nil, nil, fmt.Errorf("%w: a symbol comes out twice", ErrPoisoned)
	}
	if !p.done() {
		return nil, nil, ErrIncomplete
	}
	return p.mine, p.theirs, nil
}

// residue is what is left of a cell of the difference: one's own less the
// other's, modulo what goes over the wire.
type residue struct {
	sum    uint64
	check  uint16
	count  int8
	queued bool
}

// peeler takes the difference apart. Each of its slices but path has at most as
// many elements as there are cells.
type peeler struct {
	cells        []residue
	queue        []uint32 // a stack of cells that may hold a lone symbol, each once
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

// peel takes lone symbols out until there are none. Each leaves its cell empty,
// and no cell of a true difference is filled again.
func (p *peeler) peel() error {
	for len(p.queue) > 0 {
		i := p.queue[len(p.queue)-1]
		p.queue = p.queue[:len(p.queue)-1]
		p.cells[i].queued = false
		symbol, count, ok := p.lone(i)
		if !ok {
			continue
		}
		if len(p.mine)+len(p.theirs) == len(p.cells) {
			return fmt.Errorf("%w: more symbols than cells", ErrPoisoned)
		}
		p.takeOut(symbol, count)
	}
	return nil
}

// lone returns the symbol in cell i if it is alone there, with its cells in
// p.path.
func (p *peeler) lone(i uint32) (symbol uint64, count int8, ok bool) {
	c := &p.cells[i]
	if c.count != 1 && c.count != -1 {
		return 0, 0, false
	}
	symbol = c.sum * uint64(int64(c.count))
	if symbol == 0 || uint16(check(symbol))*uint16(int16(c.count)) != c.check {
		return 0, 0, false
	}
	return symbol, c.count, p.trace(symbol, i)
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
	sum, check := symbol*uint64(int64(count)), uint16(check(symbol))*uint16(int16(count))
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
	if c := &p.cells[i]; (c.count == 1 || c.count == -1) && !c.queued {
		c.queued = true
		p.queue = append(p.queue, i)
	}
}

// done says whether nothing is left. No cells at all say nothing.
func (p *peeler) done() bool {
	for i := range p.cells {
		if p.cells[i] != (residue{}) {
			return false
		}
	}
	return len(p.cells) > 0
}

// repeats sorts both and says whether a symbol is in them twice.
func repeats(mine, theirs []uint64) bool {
	slices.Sort(mine)
	slices.Sort(theirs)
	return hasTwins(mine) || hasTwins(theirs) || intersect(mine, theirs)
}

func hasTwins(sorted []uint64) bool {
	for i := 1; i < len(sorted); i++ {
		if sorted[i] == sorted[i-1] {
			return true
		}
	}
	return false
}

func intersect(a, b []uint64) bool {
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0] < b[0]:
			a = a[1:]
		case a[0] > b[0]:
			b = b[1:]
		default:
			return true
		}
	}
	return false
}
