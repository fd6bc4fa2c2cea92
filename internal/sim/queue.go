package sim

import (
	"container/heap"
	"time"
)

// event is something that will happen.
type event struct {
	at   time.Duration // virtual time since the start
	seq  uint64        // orders the events of one instant
	what string
	run  func()
}

// queue gives events in the order of (at, seq).
type queue struct {
	events eventHeap
	seq    uint64
}

func (q *queue) push(at time.Duration, what string, run func()) {
	q.seq++
	heap.Push(&q.events, event{at: at, seq: q.seq, what: what, run: run})
}

func (q *queue) pop() (event, bool) {
	if len(q.events) == 0 {
		return event{}, false
	}
	return heap.Pop(&q.events).(event), true
}

type eventHeap []event

func (h eventHeap) Len() int { return len(h) }

func (h eventHeap) Less(i, j int) bool {
	if h[i].at != h[j].at {
		return h[i].at < h[j].at
	}
	return h[i].seq < h[j].seq
}

func (h eventHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

func (h *eventHeap) Push(e any) { *h = append(*h, e.(event)) }

func (h *eventHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	old[len(old)-1] = event{}
	*h = old[:len(old)-1]
	return last
}
