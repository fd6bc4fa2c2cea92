//go:build linux

package netlab

import (
	"context"
	"encoding/binary"
	"math"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// wire is a plug in memory. Its test sends by in and sees what arrives, and
// when, in got.
type wire struct {
	in     chan []byte
	closed chan struct{}
	once   sync.Once

	mu  sync.Mutex // guards got
	got []arrival
}

type arrival struct {
	number uint32 // of the frame
	after  time.Duration
	from   byte // the last byte of the sender's MAC
}

func (w *wire) Read(b []byte) (int, error) {
	select {
	case frame := <-w.in:
		return copy(b, frame), nil
	case <-w.closed:
		return 0, os.ErrClosed
	}
}

func (w *wire) Write(b []byte) (int, error) {
	number := binary.BigEndian.Uint32(b[frameBytesMin:])
	sent := int64(binary.BigEndian.Uint64(b[frameBytesMin+4:]))
	w.mu.Lock()
	defer w.mu.Unlock()
	w.got = append(w.got, arrival{number, time.Duration(time.Now().UnixNano() - sent), b[11]})
	return len(b), nil
}

func (w *wire) Close() error {
	w.once.Do(func() { close(w.closed) })
	return nil
}

// arrivals takes what has arrived by now.
func (w *wire) arrivals() []arrival {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	got := w.got
	w.got = nil
	return got
}

// bench is a lab without hosts, in a bubble.
type bench struct {
	*Lab
	wires []*wire
}

// inBubble runs f with an Ethernet of some wires in virtual time.
func inBubble(t *testing.T, wires int, f func(*testing.T, *bench)) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{Lab: &Lab{}}
		var plugs []plug
		for i := range wires {
			w := &wire{in: make(chan []byte), closed: make(chan struct{})}
			b.wires = append(b.wires, w)
			b.Hosts = append(b.Hosts, &Host{number: i})
			plugs = append(plugs, plug{macOf(i), w})
		}
		b.ethernet = newEthernet(1, plugs)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- b.ethernet.serve(ctx) }()
		f(t, b)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func macOf(i int) [macBytes]byte { return [macBytes]byte{0x02, 5: byte(i + 1)} }

var everybody = [macBytes]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

const testFrameBytes = 100

// send has a wire send a numbered frame, and lets all happen that happens now.
func (b *bench) send(from int, to [macBytes]byte, number int) {
	frame := make([]byte, testFrameBytes)
	copy(frame, to[:])
	mac := macOf(from)
	copy(frame[macBytes:], mac[:])
	binary.BigEndian.PutUint32(frame[frameBytesMin:], uint32(number))
	binary.BigEndian.PutUint64(frame[frameBytesMin+4:], uint64(time.Now().UnixNano()))
	b.wires[from].in <- frame
	synctest.Wait()
}

// reaches reports whether a frame gets through within a second.
func (b *bench) reaches(from, to int) bool {
	b.send(from, macOf(to), 0)
	time.Sleep(time.Second)
	return len(b.wires[to].arrivals()) == 1
}

func TestAFrameGoesToItsReceiverOnly(t *testing.T) {
	inBubble(t, 3, func(t *testing.T, b *bench) {
		b.send(0, macOf(1), 7)
		if got := b.wires[1].arrivals(); len(got) != 1 || got[0].number != 7 || got[0].from != 1 || got[0].after != 0 {
			t.Errorf("the receiver got %v", got)
		}
		b.send(0, macOf(9), 8) // nobody
		for _, i := range []int{0, 2} {
			if got := b.wires[i].arrivals(); len(got) != 0 {
				t.Errorf("wire %d got %v", i, got)
			}
		}
	})
}

func TestABroadcastGoesToAllOthers(t *testing.T) {
	inBubble(t, 3, func(t *testing.T, b *bench) {
		b.send(1, everybody, 7)
		for i, want := range []int{1, 0, 1} {
			if got := b.wires[i].arrivals(); len(got) != want {
				t.Errorf("wire %d got %v, want %d frames", i, got, want)
			}
		}
	})
}

func TestADelayIsKeptExactlyAndInOrder(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, b *bench) {
		const delay = 150 * time.Millisecond
		b.SetLinkOneWay(b.Hosts[0], b.Hosts[1], Link{Delay: delay})
		for i := range 100 {
			b.send(0, macOf(1), i)
			time.Sleep(time.Millisecond)
		}
		time.Sleep(delay)
		got := b.wires[1].arrivals()
		if len(got) != 100 {
			t.Fatalf("%d frames arrived", len(got))
		}
		for i, a := range got {
			if a.after != delay || a.number != uint32(i) {
				t.Errorf("frame %d arrived as number %d, after %v", a.number, i, a.after)
			}
		}
		b.send(1, macOf(0), 0)
		if got := b.wires[0].arrivals(); len(got) != 1 || got[0].after != 0 {
			t.Errorf("the other direction, which has no delay, brought %v", got)
		}
	})
}

func TestJitterReordersWithinItsBounds(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, b *bench) {
		const delay, jitter = 20 * time.Millisecond, 10 * time.Millisecond
		b.SetAll(Link{Delay: delay, Jitter: jitter})
		for i := range 200 {
			b.send(0, macOf(1), i)
			time.Sleep(time.Millisecond)
		}
		time.Sleep(delay + jitter)
		got := b.wires[1].arrivals()
		overtaken := 0
		for i, a := range got {
			if a.after < delay || a.after >= delay+jitter {
				t.Errorf("frame %d took %v", a.number, a.after)
			}
			if a.number != uint32(i) {
				overtaken++
			}
		}
		if len(got) != 200 || overtaken < 50 {
			t.Errorf("%d frames arrived, %d of them not in their place", len(got), overtaken)
		}
	})
}

func TestLossIsAsOftenAsItWasSet(t *testing.T) {
	const frames, loss = 10_000, 0.2
	lose := func(t *testing.T) (numbers []uint32) {
		inBubble(t, 2, func(t *testing.T, b *bench) {
			b.SetAll(Link{Loss: loss})
			for i := range frames {
				b.send(0, macOf(1), i)
			}
			for _, a := range b.wires[1].arrivals() {
				numbers = append(numbers, a.number)
			}
			c := b.Counters(b.Hosts[0], b.Hosts[1])
			if c.Frames != uint64(len(numbers)) || c.Bytes != c.Frames*testFrameBytes || c.Lost != frames-c.Frames {
				t.Errorf("%d frames arrived, and counted are %+v", len(numbers), c)
			}
		})
		return numbers
	}
	once, again := lose(t), lose(t)
	fiveSigma := 5 * math.Sqrt(frames*loss*(1-loss))
	if lost := float64(frames - len(once)); math.Abs(lost-frames*loss) > fiveSigma {
		t.Errorf("%v of %d frames were lost", lost, frames)
	}
	if len(once) != len(again) || once[len(once)-1] != again[len(again)-1] {
		t.Error("the same seed lost other frames")
	}
}

func TestABandwidthSpacesFrames(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, b *bench) {
		b.SetAll(Link{BytesPerSecond: 1000 * testFrameBytes, Delay: time.Second})
		for i := range 10 {
			b.send(0, macOf(1), i)
		}
		time.Sleep(2 * time.Second)
		b.send(0, macOf(1), 10)
		time.Sleep(2 * time.Second)
		got := b.wires[1].arrivals()
		if len(got) != 11 {
			t.Fatalf("%d frames arrived", len(got))
		}
		for i, a := range got {
			want := time.Second + time.Duration(i%10+1)*time.Millisecond
			if a.after != want {
				t.Errorf("frame %d took %v, want %v", i, a.after, want)
			}
		}
	})
}

func TestACutOneWayCutsNoOtherWay(t *testing.T) {
	inBubble(t, 3, func(t *testing.T, b *bench) {
		b.CutOneWay(b.Hosts[0], b.Hosts[1])
		for from := range 3 {
			for to := range 3 {
				cut := from == 0 && to == 1
				if from != to && b.reaches(from, to) == cut {
					t.Errorf("from %d to %d: reaches is %v", from, to, !cut)
				}
			}
		}
		if c := b.Counters(b.Hosts[0], b.Hosts[1]); c != (Counters{Cut: 1}) {
			t.Errorf("counted are %+v", c)
		}
		b.Mend(b.Hosts[0], b.Hosts[1])
		if !b.reaches(0, 1) {
			t.Error("a mended cut still cuts")
		}
	})
}

func TestACutDropsWhatIsInFlight(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, b *bench) {
		b.SetAll(Link{Delay: time.Second})
		b.send(0, macOf(1), 0)
		b.Cut(b.Hosts[0], b.Hosts[1])
		time.Sleep(2 * time.Second)
		if got, c := b.wires[1].arrivals(), b.Counters(b.Hosts[0], b.Hosts[1]); len(got) != 0 || c.Cut != 1 {
			t.Errorf("%v arrived, counted are %+v", got, c)
		}
	})
}

func TestAPartitionLeavesGroupsTogether(t *testing.T) {
	inBubble(t, 5, func(t *testing.T, b *bench) {
		b.Cut(b.Hosts[0], b.Hosts[1]) // is replaced
		b.Partition(b.Hosts[:2], b.Hosts[2:4])
		group := []int{1, 1, 2, 2, 3}
		for from := range 5 {
			for to := range 5 {
				if together := group[from] == group[to]; from != to && b.reaches(from, to) != together {
					t.Errorf("from %d to %d: reaches is %v", from, to, !together)
				}
			}
		}
		b.Heal()
		if !b.reaches(0, 4) || !b.reaches(2, 1) {
			t.Error("a healed partition still cuts")
		}
	})
}

func TestTheFramesInFlightAreBounded(t *testing.T) {
	inBubble(t, 3, func(t *testing.T, b *bench) {
		b.SetAll(Link{Delay: time.Second})
		const over = 10
		for i := range queueFramesMax + over {
			b.send(0, macOf(1), i)
		}
		b.send(2, macOf(1), 0) // has a bound of its own
		time.Sleep(time.Second)
		if got := len(b.wires[1].arrivals()); got != queueFramesMax+1 {
			t.Errorf("%d frames arrived", got)
		}
		if c := b.Counters(b.Hosts[0], b.Hosts[1]); c.Full != over || c.Frames != queueFramesMax {
			t.Errorf("counted are %+v", c)
		}
		if !b.reaches(0, 1) {
			t.Error("a queue that was full stays full")
		}
	})
}

func TestALinkThatMakesNoSenseIsRefused(t *testing.T) {
	for _, l := range []Link{{Delay: -1}, {Jitter: -1}, {Loss: -0.1}, {Loss: 1.1}, {Loss: math.NaN()}, {BytesPerSecond: -1}} {
		if l.Validate() == nil {
			t.Errorf("%+v is valid", l)
		}
	}
	if err := (Link{Delay: 1, Jitter: 1, Loss: 1, BytesPerSecond: 1}).Validate(); err != nil {
		t.Error(err)
	}
}
