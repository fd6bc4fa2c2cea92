package city

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/crdt/crdttest"
)

// cutOf returns a cut of a core. before is called before each turn of the loop, and may
// change the core; the turns are as short as they can be.
func cutOf(core *Core, before func()) *Cut {
	read := func(_ context.Context, f func(*Core)) error {
		before()
		f(core)
		return nil
	}
	return &Cut{name: "gotham", read: read, ids: 1, looks: 1}
}

// readCut reads a cut to its end, and checks the order.
func readCut(t interface {
	Helper()
	Fatalf(string, ...any)
}, c *Cut,
) *crdt.State {
	t.Helper()
	all, last := crdt.NewState(), [2]crdt.ID{}
	for given := 0; ; {
		e, err := c.Next(context.Background())
		if errors.Is(err, io.EOF) {
			if s := all.Summary(); given != int(s.Heroes+s.Tombstones) {
				t.Fatalf("%d entries were given, of %d IDs", given, s.Heroes+s.Tombstones)
			}
			return all
		}
		if err != nil || e.Len() == 0 {
			t.Fatalf("%d entries, %v", e.Len(), err)
		}
		for _, x := range e.Tombstones {
			if x.ID.Compare(last[0]) <= 0 || last[1] != (crdt.ID{}) {
				t.Fatalf("tombstone %v after %v, heroes up to %v", x.ID, last[0], last[1])
			}
			last[0] = x.ID
		}
		for _, x := range e.Heroes {
			if x.ID.Compare(last[1]) <= 0 {
				t.Fatalf("hero %v after %v", x.ID, last[1])
			}
			last[1] = x.ID
		}
		given += e.Len()
		all.Merge(e, crdt.NoHorizon)
	}
}

// begun begins a cut and returns what the state held then.
func begun(t *rapid.T, core *Core, c *Cut, before *func()) crdt.Summary {
	held := core.State().Summary()
	later := *before
	*before = func() {}
	if err := c.begin(context.Background(), func() crdt.Stamp { return 1 }); err != nil {
		t.Fatal(err)
	}
	*before = later
	if c.Summary != held {
		t.Fatalf("the cut has %+v, the state %+v", c.Summary, held)
	}
	return held
}

// Whatever is born, dies, moves and is born again between any two turns of the loop, what
// is read is what there was at the start.
func TestACutIsTheStateOfOneMoment(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const ids = 24
		core := NewCore(Config{Name: "gotham", Replica: 1}, 1)
		change := func() {
			e := crdttest.Entries().Draw(t, "entries")
			for i := range e.Heroes {
				e.Heroes[i].ID = crdttest.ID(ids).Draw(t, "hero")
			}
			for i := range e.Tombstones {
				e.Tombstones[i].ID = crdttest.ID(ids).Draw(t, "dead")
			}
			core.Step(scriptStart, nil, Update{Entries: e, Source: SourceStore})
		}
		for range rapid.IntRange(0, 5).Draw(t, "first") {
			change()
		}
		before := change
		c := cutOf(core, func() { before() })
		held := begun(t, core, c, &before)
		if got := readCut(t, c).Summary(); got != held {
			t.Fatalf("read %+v, want %+v", got, held)
		}
		c.Close()
		if core.cut != nil {
			t.Fatal("the core remembers a cut that is closed")
		}
	})
}

// A cut has what the city shows to others, and no order that waits for the disk.
func TestACutHasNothingThatIsNotDurable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := &overlayLab{t: t, core: NewCore(Config{Name: "gotham", Replica: 1}, 1)}
		l.core.open = true
		l.held, l.naive.state = NewHoldBack[string](l.core, l), make(map[crdt.ID]crdt.Record)
		change := func() {
			switch what := rapid.IntRange(0, 9).Draw(t, "what"); {
			case what < 5:
				l.step(l.message())
			case what < 7:
				l.disk.tried = l.disk.appended
			default:
				l.disk.durable = l.disk.tried
				l.release()
			}
		}
		for range rapid.IntRange(0, 20).Draw(t, "first") {
			change()
		}
		before := change
		c := cutOf(l.core, func() { before() })
		held := begun(t, l.core, c, &before)
		if got := readCut(t, c).Summary(); got != held {
			t.Fatalf("read %+v, want %+v", got, held)
		}
	})
}

func TestOneCutIsReadAtATime(t *testing.T) {
	c, _ := serving(t, 3)
	inc, err := c.Current()
	if err != nil {
		t.Fatal(err)
	}
	first, err := inc.Cut(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := inc.Cut(t.Context()); ReasonOf(err) != Busy {
		t.Errorf("a second one: %v", err)
	}
	first.Close()
	second, err := inc.Cut(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	first.Close() // a second time; it must not end another's
	if got := readCut(t, second).Summary(); got != second.Summary || got.Heroes != 3 {
		t.Errorf("%+v, want %+v", got, second.Summary)
	}
	second.Close()
}

// What is kept of the past is bounded: who reads a cut too slowly is told to begin anew.
func TestACutIsGivenUpWhereTooMuchChanges(t *testing.T) {
	l := newLab(t)
	core := l.city("gotham", 1)
	known := someOf(cutChangesMax + 1)
	l.done(core, Update{Entries: known, Source: SourceStore})
	c := cutOf(core, func() {})
	if err := c.begin(t.Context(), func() crdt.Stamp { return 1 }); err != nil {
		t.Fatal(err)
	}
	for i := range known.Heroes {
		known.Heroes[i].Version.HLC++
	}
	l.done(core, Update{Entries: crdt.Entries{Heroes: known.Heroes[:cutChangesMax]}, Source: SourceStore})
	if len(core.cut.before) != cutChangesMax {
		t.Fatalf("%d are kept", len(core.cut.before))
	}
	l.done(core, Update{Entries: crdt.Entries{Heroes: known.Heroes[cutChangesMax:]}, Source: SourceStore})
	if core.cut.before != nil {
		t.Errorf("%d are kept", len(core.cut.before))
	}
	c.ids, c.looks = idsPerTurn, recordsPerTurn
	if _, err := c.Next(t.Context()); ReasonOf(err) != Busy {
		t.Errorf("%v", err)
	}
}

// someOf returns that many heroes.
func someOf(n int) (e crdt.Entries) {
	for i := range n {
		e.Heroes = append(e.Heroes, crdt.Hero{ID: crdttest.IDOf(i), Name: "Robin", Location: "gotham", Health: 1, Version: crdt.Version{HLC: 1}})
	}
	return e
}

// Nothing is kept of what was given already, or was born later: a cut that is read in time
// costs little however much changes.
func TestACutKeepsOnlyWhatIsStillToBeGiven(t *testing.T) {
	l := newLab(t)
	core := l.city("gotham", 1)
	known := someOf(1000)
	l.done(core, Update{Entries: known, Source: SourceStore})
	c := cutOf(core, func() {})
	if err := c.begin(t.Context(), func() crdt.Stamp { return 1 }); err != nil {
		t.Fatal(err)
	}
	c.looks = 900
	if _, err := c.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	later := someOf(2000)
	for i := range later.Heroes {
		later.Heroes[i].Version.HLC = 2
	}
	l.done(core, Update{Entries: later, Source: SourceStore})
	if got := len(core.cut.before); got != 100 {
		t.Errorf("%d are kept, want those 100 that are still to be given", got)
	}
	for core.cut != nil {
		if _, err := c.Next(t.Context()); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if got := len(core.cut.before); got != 0 {
		t.Errorf("%d are kept of what was given", got)
	}
}

// BenchmarkCut reads a cut of 100,000 heroes; max-turn-µs is the longest turn of the loop.
func BenchmarkCut(b *testing.B) {
	core := NewCore(Config{Name: "gotham", Replica: 1}, 1)
	core.Step(scriptStart, nil, Update{Entries: someOf(100_000), Source: SourceStore})
	var longest time.Duration
	b.ReportAllocs()
	for b.Loop() {
		c := cutOf(core, func() {})
		c.ids, c.looks = idsPerTurn, recordsPerTurn
		read := c.read
		c.read = func(ctx context.Context, f func(*Core)) error {
			began := time.Now()
			defer func() { longest = max(longest, time.Since(began)) }()
			return read(ctx, f)
		}
		if err := c.begin(b.Context(), func() crdt.Stamp { return 1 }); err != nil {
			b.Fatal(err)
		}
		for {
			if _, err := c.Next(b.Context()); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				b.Fatal(err)
			}
		}
		c.Close()
	}
	b.ReportMetric(float64(longest.Microseconds()), "max-turn-µs")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100_000, "ns/hero")
}
