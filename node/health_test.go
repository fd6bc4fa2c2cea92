package node

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/internal/store/storetest"
	"github.com/citynode/citynode/protocol"
)

// A problemLog keeps what the Problem events of a node told, and its log.
type problemLog struct {
	mu     sync.Mutex // guards the rest
	events []ProblemEvent
	lines  bytes.Buffer
}

func (l *problemLog) attach(cfg Config) Config {
	cfg.Events.Problem = func(e ProblemEvent) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.events = append(l.events, e)
	}
	cfg.Logger = slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelWarn}))
	return cfg
}

// Write takes a line of the log.
func (l *problemLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines.Write(p)
}

// told returns how often the log warned of a code, and the events of it were.
func (l *problemLog) told(code protocol.Problem) (warnings, begun, over int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.events {
		switch {
		case e.Code != code:
		case e.Over:
			over++
		default:
			begun++
		}
	}
	return strings.Count(l.lines.String(), "code="+string(code)), begun, over
}

// problemsOf returns the codes of the problems of a city that a node knows, in order.
func (m *member) problemsOf(t *testing.T, city string) (codes []protocol.Problem) {
	t.Helper()
	for _, p := range m.status(t).Problems {
		if p.City == city {
			codes = append(codes, p.Code)
		}
	}
	return codes
}

func TestWhoIsIllIsKnownEverywhereAtOnceAndUntilItIsWell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		var log problemLog
		cfg, clock := fastCity("fast", 0)
		cities := net.chain(t, quiet("gotham"), quiet("metropolis"), log.attach(cfg))
		awaitAlive(t, cities...)
		clock.ahead.Store(int64(time.Hour))
		// A judgement each second, and a presence that is sent at once.
		time.Sleep(4 * time.Second)
		for _, m := range cities {
			if got := m.problemsOf(t, "fast"); !slices.Equal(got, []protocol.Problem{protocol.ProblemClockAhead}) {
				t.Errorf("%s knows of %v", m.cfg.City.Name, got)
			}
		}
		gotham := cities[0]
		p := gotham.status(t).Problems[0]
		if age := gotham.cfg.Now().Sub(p.Since); age < 0 || age > 4*time.Second {
			t.Errorf("it is known for %v", age)
		}
		time.Sleep(time.Minute)
		if again := gotham.status(t).Problems[0]; !again.Since.Equal(p.Since) {
			t.Errorf("since %v, a minute later since %v", p.Since, again.Since)
		}
		clock.ahead.Store(0)
		time.Sleep(20 * time.Second) // until both others were heard again
		for _, m := range cities {
			if got := m.status(t).Problems; len(got) != 0 {
				t.Errorf("%s still knows of %v", m.cfg.City.Name, got)
			}
		}
		if warnings, begun, over := log.told(protocol.ProblemClockAhead); warnings != 2 || begun != 1 || over != 1 {
			t.Errorf("%d warnings, %d events that it began, %d that it is over; want 2, 1, 1", warnings, begun, over)
		}
	})
}

func TestAStoreThatFailsIsToldOnceByTheCityAndKnownToOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		var log problemLog
		gotham := net.start(t, quiet("gotham"))
		disk := storetest.NewDisk(0, 1)
		metropolis := net.start(t, stored(t, disk, log.attach(quiet("metropolis"))), gotham)
		awaitReady(t, gotham, metropolis)
		awaitAlive(t, gotham, metropolis)
		disk.Fail(errors.New("no space left on device"))
		_, err := metropolis.city.Do(t.Context(), city.Create{Caller: orderer(newID()), HeroName: "Batman"})
		if city.ReasonOf(err) != city.Unavailable {
			t.Errorf("an order to a store that fails: %v", err)
		}
		time.Sleep(10 * time.Minute)
		if got := gotham.problemsOf(t, "metropolis"); !slices.Equal(got, []protocol.Problem{protocol.ProblemStore}) {
			t.Errorf("gotham knows of %v", got)
		}
		for c := range gotham.FollowCities(t.Context()) {
			if !slices.Equal(c.Problems, []protocol.Problem{protocol.ProblemStore}) {
				t.Errorf("gotham is told of %v", c.Problems)
			}
			break // there is one other
		}
		if p := metropolis.status(t).Problems; len(p) != 1 || !strings.Contains(p[0].Detail, "no space left") {
			t.Errorf("metropolis knows of %+v", p)
		}
		if warnings, begun, over := log.told(protocol.ProblemStore); warnings != 1 || begun != 1 || over != 0 {
			t.Errorf("%d warnings, %d and %d events after ten minutes; want 1, 1, 0", warnings, begun, over)
		}
		disk.Fail(nil)
		time.Sleep(5 * time.Second)
		if got := gotham.problemsOf(t, "metropolis"); len(got) != 0 {
			t.Errorf("gotham still knows of %v", got)
		}
		if warnings, begun, over := log.told(protocol.ProblemStore); warnings != 2 || begun != 1 || over != 1 {
			t.Errorf("%d warnings, %d and %d events in all; want 2, 1, 1", warnings, begun, over)
		}
	})
}

func TestACityThatFailedIsAProblemUntilItIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		var log problemLog
		cities := net.chain(t, log.attach(quiet("gotham")), quiet("metropolis"), quiet("paris"))
		awaitAlive(t, cities...)
		gotham, paris := cities[0], cities[2]
		net.cut(paris)
		eventually(t, "gotham misses paris", func() bool {
			return slices.Equal(gotham.problemsOf(t, "paris"), []protocol.Problem{protocol.ProblemFailed})
		})
		var lines []protocol.ProblemLine
		gotham.call(t, "gotham", func(ctx context.Context, c *protocol.Client) (err error) {
			lines, err = c.Problems(ctx)
			return err
		})
		if len(lines) != 1 || lines[0].City != "paris" || string(lines[0].Peer) != string(paris.Peer()) || lines[0].Since == 0 {
			t.Errorf("answered %+v", lines)
		}
		net.heal()
		eventually(t, "all is well", func() bool { return len(gotham.status(t).Problems) == 0 })
		if warnings, begun, over := log.told(protocol.ProblemFailed); warnings < 2 || warnings > begun+over || begun != over {
			t.Errorf("%d warnings, %d and %d events", warnings, begun, over)
		}
	})
}

func TestACityThatLeavesIsNoProblem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		cities := net.quietChain(t, "gotham", "metropolis")
		awaitAlive(t, cities...)
		cities[1].leave(t)
		time.Sleep(time.Minute)
		if got := cities[0].status(t); got.Left != 1 || len(got.Problems) != 0 {
			t.Errorf("status %+v", got)
		}
	})
}

func TestATwiceHeldNameIsAProblemOfBoth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		cities := net.quietChain(t, "metropolis", "gotham")
		awaitAlive(t, cities...)
		net.cut(cities[1])
		other := prepare(t, net.config(quiet("gotham"), cities[0]))
		net.cut(cities[1]) // from the new host too
		other.run(t)
		awaitReady(t, other)
		net.heal()
		for _, m := range []*member{cities[1], other} {
			eventually(t, "the name is contested", func() bool { return slices.Contains(m.problemsOf(t, "gotham"), protocol.ProblemContested) })
		}
	})
}

func TestACityThatIsFullSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		cfg := quiet("metropolis")
		cfg.EntriesMax = 2
		gotham := net.start(t, quiet("gotham"))
		metropolis := net.start(t, cfg, gotham)
		awaitReady(t, gotham, metropolis)
		awaitAlive(t, gotham, metropolis)
		for _, name := range []string{"Batman", "Robin", "Alfred"} {
			gotham.create(t, name)
		}
		eventually(t, "gotham knows that metropolis is full", func() bool {
			return slices.Equal(gotham.problemsOf(t, "metropolis"), []protocol.Problem{protocol.ProblemFull})
		})
	})
}
