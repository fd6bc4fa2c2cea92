package sim

import (
	"runtime"
	"testing"
	"time"
)

const (
	// heapEvery is how often in virtual time a long run tells its heap.
	heapEvery = 6 * time.Hour
	// heapPerEntry is what an entry may take in one city: in its state, in its
	// store, and twice in the oracle.
	heapPerEntry = 2 << 10
	// heapRoom is what a run of one size varies by: what it remembers of answers
	// and what is on its way.
	heapRoom = 16 << 20
)

// heapLog looks at the memory that a long run takes in its calms, when it has
// forgotten what is judged.
type heapLog struct {
	every, half time.Duration
	due         time.Duration
	middle      heapSample // the last one before half of the run, or the first
	last        heapSample
}

type heapSample struct {
	at      time.Duration
	bytes   uint64
	entries int // that one city holds
}

func (l *heapLog) look(t *testing.T, r Report) {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	l.last = heapSample{at: r.Virtual, bytes: m.HeapAlloc, entries: int(r.Counts.Heroes + r.Counts.Tombstones)}
	if l.middle.at == 0 || r.Virtual <= l.half {
		l.middle = l.last
	}
	if r.Virtual >= l.due {
		l.due += l.every
		t.Logf("at %v: heap %.1f MiB, %d heroes, %d tombstones, %d orders, %d crashes", r.Virtual.Round(time.Minute),
			mebibytes(m.HeapAlloc), r.Counts.Heroes, r.Counts.Tombstones, r.Counts.Orders, r.Counts.Crashes)
	}
}

// judge fails the test if the second half of the run took more memory than its
// new entries do.
func (l *heapLog) judge(t *testing.T) {
	grown := max(0, l.last.entries-l.middle.entries)
	allowed := l.middle.bytes + heapRoom + uint64(grown*citiesMax*heapPerEntry)
	t.Logf("heap %.1f MiB at %v and %.1f MiB at %v, allowed are %.1f MiB", mebibytes(l.middle.bytes), l.middle.at.Round(time.Minute),
		mebibytes(l.last.bytes), l.last.at.Round(time.Minute), mebibytes(allowed))
	if l.last.bytes > allowed {
		t.Errorf("the heap grew from %d to %d bytes with %d entries more", l.middle.bytes, l.last.bytes, grown)
	}
}

func mebibytes(n uint64) float64 { return float64(n) / (1 << 20) }
