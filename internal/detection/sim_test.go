package detection

import (
	"container/heap"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

var (
	seedFlag = flag.Uint64("detection.seed", 1, "seed of the simulated networks")
	longFlag = flag.Bool("detection.long", false, "simulate an hour of 50 peers as well")
)

// A world is many machines on a simulated network, in one goroutine and by one seed.
type world struct {
	now     time.Time
	rand    *rand.Rand
	agenda  agenda
	order   uint64
	nodes   []*node
	oneWay  time.Duration
	loss    float64
	cutOff  map[int]bool
	links   int // each is connected with so many; 0: with all
	asked   int // questions
	told    int // hints and signs of life
	dialed  int
	changes []change
}

// A change is what a node thought of another at a time.
type change struct {
	at     time.Time
	by, of int
	to     Status
}

type node struct {
	w      *world
	number int
	m      *Machine
	due    time.Time
	frozen bool
	dead   bool // the process is gone, and its kernel answers
	stamp  uint64
	later  []Event // of one that is frozen
	linked map[int]bool
}

type task struct {
	at    time.Time
	order uint64
	do    func()
}

type agenda []task

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	if !a[i].at.Equal(a[j].at) {
		return a[i].at.Before(a[j].at)
	}
	return a[i].order < a[j].order
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)   { *a = append(*a, x.(task)) }
func (a *agenda) Pop() any {
	old := *a
	last := old[len(old)-1]
	*a = old[:len(old)-1]
	return last
}

func peerOf(n int) Peer { return Peer(fmt.Sprintf("p%03d", n)) }

func numberOf(p Peer) (n int) {
	_, _ = fmt.Sscanf(string(p), "p%d", &n) // names are peerOf's
	return n
}

func newWorld(n int, links int) *world {
	w := &world{
		now:  time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC),
		rand: rand.New(rand.NewPCG(*seedFlag, uint64(n))), oneWay: 5 * time.Millisecond,
		cutOff: make(map[int]bool), links: links,
	}
	for i := range n {
		x := &node{w: w, number: i, linked: make(map[int]bool)}
		x.m = New(peerOf(i), rand.New(rand.NewPCG(*seedFlag, uint64(1000+i))))
		w.nodes = append(w.nodes, x)
	}
	for i := range n {
		for len(w.nodes[i].linked) < min(n-1, max(links/2, 1)) && links > 0 {
			if j := w.rand.IntN(n); j != i {
				w.nodes[i].linked[j], w.nodes[j].linked[i] = true, true
			}
		}
	}
	for i, x := range w.nodes {
		w.after(time.Duration(w.rand.Int64N(int64(time.Second))), func() {
			for j := range n {
				if i != j {
					x.tell(Alive{Peer: peerOf(j), Connected: x.isLinked(j)})
				}
			}
		})
	}
	return w
}

func (x *node) isLinked(j int) bool { return x.w.links == 0 || x.linked[j] }

func (w *world) after(d time.Duration, do func()) {
	w.order++
	heap.Push(&w.agenda, task{w.now.Add(d), w.order, do})
}

// run lets so much time pass.
func (w *world) run(d time.Duration) {
	end := w.now.Add(d)
	for len(w.agenda) > 0 && !w.agenda[0].at.After(end) {
		next := heap.Pop(&w.agenda).(task)
		w.now = next.at
		next.do()
	}
	w.now = end
}

// reaches reports whether packets go from one to another.
func (w *world) reaches(i, j int) bool { return w.cutOff[i] == w.cutOff[j] }

// packet does something at the other end when a packet arrives there, which is sent anew
// as QUIC does while it is lost. What is cut is lost for good.
func (w *world) packet(from, to int, do func()) {
	took, pause := w.oneWay, 2*w.oneWay+30*time.Millisecond
	for w.rand.Float64() < w.loss {
		took += pause
		pause *= 2
	}
	w.after(took, func() {
		if w.reaches(from, to) {
			do()
		}
	})
}

// tell steps a node's machine, unless it is dead, or later where it is frozen.
func (x *node) tell(e Event) {
	switch {
	case x.dead:
		return
	case x.frozen:
		x.later = append(x.later, e)
		return
	}
	for _, effect := range slices.Clone(x.m.Step(x.w.now, e)) {
		x.carryOut(effect)
	}
	if next := x.m.Next(); !next.IsZero() && !next.Equal(x.due) {
		if !next.After(x.w.now) {
			panic("what is due was not done")
		}
		x.due = next
		x.w.after(next.Sub(x.w.now), func() {
			if x.due.Equal(next) {
				x.due = time.Time{}
				x.tell(Tick{})
			}
		})
	}
}

// thaw has a frozen node go on.
func (x *node) thaw() {
	x.frozen = false
	later := x.later
	x.later = nil
	for _, e := range later {
		x.tell(e)
	}
}

func (x *node) carryOut(e Effect) {
	w := x.w
	switch e := e.(type) {
	case Ask:
		w.asked++
		other := w.nodes[numberOf(e.Peer)]
		w.packet(x.number, other.number, func() {
			if other.frozen || other.dead {
				return
			}
			other.tell(Asked{peerOf(x.number)})
			w.packet(other.number, x.number, func() { x.tell(Answered(e)) })
		})
	case Dial:
		x.dial(e.Peer)
	case Knock:
		x.dial(e.Peer)
	case Probe:
		other := w.nodes[numberOf(e.Peer)]
		w.after(100*time.Millisecond+2*w.oneWay, func() {
			x.tell(Probed{e.Peer, other.dead && w.reaches(x.number, other.number)})
		})
	case Tell:
		x.gossip(e.About)
	case Live:
		x.gossip("")
	case Became:
		w.changes = append(w.changes, change{w.now, x.number, numberOf(e.Peer), e.Status})
	case Confirm:
		x.dial(e.Peer) // which confirms as well
	case Return:
		for _, other := range w.nodes {
			if status, _, _ := x.m.Standing(peerOf(other.number)); status == Failed {
				x.dial(peerOf(other.number))
			}
		}
	}
}

// dial connects to a peer: two round trips, or nothing for two seconds and a half.
func (x *node) dial(p Peer) {
	w, other, over := x.w, x.w.nodes[numberOf(p)], false
	w.dialed++
	end := func(ok bool) {
		if over {
			return
		}
		over = true
		if ok {
			x.links(other)
		}
		x.tell(Dialed{p, ok})
		if status, _, _ := x.m.Standing(p); ok && status == Failed {
			x.tell(Alive{Peer: p, Connected: x.isLinked(other.number)})
		}
	}
	w.after(2500*time.Millisecond, func() { end(false) })
	w.packet(x.number, other.number, func() {
		w.packet(other.number, x.number, func() {
			w.packet(x.number, other.number, func() {
				if other.frozen || other.dead {
					return
				}
				w.packet(other.number, x.number, func() { end(true) })
			})
		})
	})
}

// links makes a connection where there is none.
func (x *node) links(other *node) {
	if x.isLinked(other.number) {
		return
	}
	x.linked[other.number], other.linked[x.number] = true, true
	x.tell(Connected{peerOf(other.number)})
	other.tell(Connected{peerOf(x.number)})
}

// gossip brings what the node signs to all, over two or three hops.
func (x *node) gossip(about Peer) {
	w := x.w
	w.told++
	x.stamp++
	stamp := x.stamp
	for _, other := range w.nodes {
		if other == x {
			continue
		}
		hops := time.Duration(1+w.rand.IntN(3)) * w.oneWay
		w.after(hops, func() {
			w.packet(x.number, other.number, func() { other.tell(Heard{peerOf(x.number), stamp, about}) })
		})
	}
}

// lastOf returns how long after a time the last of the others saw a node become so, and how
// many did.
func (w *world) lastOf(of int, to Status, since time.Time) (last time.Duration, seen int) {
	by := make(map[int]bool)
	for _, c := range w.changes {
		if c.of == of && c.to == to && !c.at.Before(since) && !by[c.by] {
			by[c.by] = true
			last = c.at.Sub(since)
		}
	}
	return last, len(by)
}

// became returns how many changes there were to that status.
func (w *world) became(to Status) (n int) {
	for _, c := range w.changes {
		if c.to == to {
			n++
		}
	}
	return n
}

// sizes are the networks that are simulated: how many nodes, and with how many each is
// connected, 0 with all.
var sizes = []struct{ nodes, links int }{{2, 0}, {3, 0}, {20, 0}, {50, 0}, {50, 16}, {100, 32}}

func TestWhoeverIsCutOffFrozenOrKilledIsSeenSoByAllInTime(t *testing.T) {
	rounds := 3
	if *longFlag {
		rounds = 20
	}
	for _, size := range sizes {
		for _, way := range []string{"cut", "frozen", "killed"} {
			for round := range rounds {
				t.Run(fmt.Sprintf("%d of %d links %s %d", size.nodes, size.links, way, round), func(t *testing.T) {
					w := newWorld(size.nodes, size.links)
					w.run(30*time.Second + time.Duration(round)*270*time.Millisecond)
					gone := w.nodes[round%size.nodes]
					at := w.now
					switch way {
					case "cut":
						w.cutOff[gone.number] = true
					case "frozen":
						gone.frozen = true
					case "killed":
						gone.dead = true
					}
					w.run(10 * time.Second)
					suspect, n := w.lastOf(gone.number, Suspect, at)
					failed, m := w.lastOf(gone.number, Failed, at)
					t.Logf("suspect to %d by %v, failed to %d by %v, %d dials", n, suspect, m, failed, w.dialed)
					others := size.nodes - 1
					switch {
					case way == "killed":
						if m != others || failed > 2*time.Second {
							t.Errorf("killed: failed to %d by %v", m, failed)
						}
					case n != others || m != others || suspect > 2*time.Second || failed > 5*time.Second:
						t.Errorf("suspect to %d by %v, failed to %d by %v", n, suspect, m, failed)
					}
					w.wantAllFailedTo(t, gone, way == "cut", at)
					w.comesBack(t, gone, way)
				})
			}
		}
	}
}

// wantAllFailedTo checks what the one that is cut off thinks of all others.
func (w *world) wantAllFailedTo(t *testing.T, gone *node, cut bool, at time.Time) {
	t.Helper()
	for _, c := range w.changes {
		if c.to == Failed && c.of != gone.number && (!cut || c.by != gone.number) {
			t.Errorf("%d thinks that %d has failed", c.by, c.of)
		}
	}
	if !cut {
		return
	}
	for _, other := range w.nodes {
		if status, _, _ := gone.m.Standing(peerOf(other.number)); other != gone && gone.isLinked(other.number) && status != Failed {
			t.Errorf("to the one that is cut off %d is %v", other.number, status)
		}
	}
}

// comesBack has the one that was gone come back, and checks that all see it in time.
func (w *world) comesBack(t *testing.T, gone *node, way string) {
	t.Helper()
	back := w.now
	switch way {
	case "cut":
		clear(w.cutOff)
	case "frozen":
		gone.thaw()
	default:
		return
	}
	w.run(3 * time.Second)
	if last, n := w.lastOf(gone.number, Living, back); n != len(w.nodes)-1 || last > 3*time.Second {
		t.Errorf("back to %d by %v", n, last)
	}
	for _, x := range w.nodes {
		for _, y := range w.nodes {
			if status, _, _ := x.m.Standing(peerOf(y.number)); x != y && status != Living {
				t.Errorf("to %d the other %d is %v", x.number, y.number, status)
			}
		}
	}
}

func TestNobodyHasFailedInAnHourOfLossAndLongWays(t *testing.T) {
	for _, row := range []struct {
		nodes  int
		loss   float64
		oneWay time.Duration
	}{{3, 0.2, 5 * time.Millisecond}, {20, 0.2, 5 * time.Millisecond}, {20, 0, 300 * time.Millisecond}, {20, 0.05, 300 * time.Millisecond}, {50, 0.2, 5 * time.Millisecond}} {
		t.Run(fmt.Sprintf("%d nodes, %v lost, %v one way", row.nodes, row.loss, row.oneWay), func(t *testing.T) {
			if row.nodes >= 50 && !*longFlag {
				t.Skip("takes seconds; make detection runs it")
			}
			w := newWorld(row.nodes, 0)
			w.loss, w.oneWay = row.loss, row.oneWay
			w.run(time.Hour)
			perSecond := float64(row.nodes) * time.Hour.Seconds()
			t.Logf("%.2f questions, %.4f hints and %.4f dials a second and node; %d were suspect", float64(w.asked)/perSecond,
				float64(w.told)/perSecond, float64(w.dialed)/perSecond, w.became(Suspect))
			if n := w.became(Failed); n > 0 {
				t.Errorf("%d were taken for failed", n)
			}
		})
	}
}

func TestOverLongWaysWhoeverIsCutOffIsSeenSoInSevenSeconds(t *testing.T) {
	for round := range 5 {
		w := newWorld(20, 0)
		w.oneWay = 300 * time.Millisecond
		w.run(time.Minute + time.Duration(round)*210*time.Millisecond)
		at := w.now
		w.cutOff[round] = true
		w.run(10 * time.Second)
		suspect, n := w.lastOf(round, Suspect, at)
		failed, m := w.lastOf(round, Failed, at)
		t.Logf("suspect to %d by %v, failed to %d by %v", n, suspect, m, failed)
		if n != 19 || m != 19 || failed > 7500*time.Millisecond {
			t.Errorf("suspect to %d by %v, failed to %d by %v", n, suspect, m, failed)
		}
	}
}

func TestBothHalvesOfAPartitionSeeTheOtherFailedAndComeBack(t *testing.T) {
	w := newWorld(50, 0)
	w.run(30 * time.Second)
	told, at := w.told, w.now
	for i := range 25 {
		w.cutOff[i] = true
	}
	w.run(10 * time.Second)
	for i := range w.nodes {
		last, n := w.lastOf(i, Failed, at)
		if n != 25 || last > 6*time.Second {
			t.Errorf("%d is failed to %d by %v", i, n, last)
		}
	}
	t.Logf("%d hints", w.told-told)
	clear(w.cutOff)
	back := w.now
	w.run(3 * time.Second)
	for i := range w.nodes {
		if last, n := w.lastOf(i, Living, back); n != 25 {
			t.Errorf("%d is back to %d by %v", i, n, last)
		}
	}
}
