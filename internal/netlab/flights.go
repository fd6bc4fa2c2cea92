//go:build linux

package netlab

import (
	"container/heap"
	"time"
)

// A flight is a frame on its way. Its bytes are shared with the other receivers.
type flight struct {
	due      time.Time
	sequence uint64 // decides between frames that are due at once
	from, to int
	frame    []byte
}

// flights are the frames on their way, the next one first.
type flights struct {
	heap byDue
	sent uint64
}

// add puts a frame on its way and reports whether it is the next one due.
func (f *flights) add(x flight) bool {
	f.sent++
	x.sequence = f.sent
	heap.Push(&f.heap, x)
	return f.heap[0].sequence == x.sequence
}

// due removes and returns the next frame if it is due by now.
func (f *flights) due(now time.Time) (flight, bool) {
	if len(f.heap) == 0 || f.heap[0].due.After(now) {
		return flight{}, false
	}
	return heap.Pop(&f.heap).(flight), true
}

// next returns when the next frame is due, if one is on its way.
func (f *flights) next() (time.Time, bool) {
	if len(f.heap) == 0 {
		return time.Time{}, false
	}
	return f.heap[0].due, true
}

// byDue is a heap.Interface.
type byDue []flight

func (b byDue) Len() int      { return len(b) }
func (b byDue) Swap(i, j int) { b[i], b[j] = b[j], b[i] }
func (b byDue) Less(i, j int) bool {
	if !b[i].due.Equal(b[j].due) {
		return b[i].due.Before(b[j].due)
	}
	return b[i].sequence < b[j].sequence
}

func (b *byDue) Push(x any) { *b = append(*b, x.(flight)) }

func (b *byDue) Pop() any {
	last := len(*b) - 1
	x := (*b)[last]
	(*b)[last] = flight{}
	*b = (*b)[:last]
	return x
}
