package antientropy

import (
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/internal/wake"
)

// paced is an intake in which the peer a has had its turn for so long, at a pace.
func paced(t *testing.T, begun time.Time, lasted time.Duration, perSecond uint64) *intake {
	t.Helper()
	i := newIntake(wake.NewSignal())
	a, ok := i.take("a", true, begun)
	if !ok {
		t.Fatal("nobody has a turn, and a gets none")
	}
	for at := time.Second; at <= lasted; at += time.Second {
		i.note(a, uint64(at/time.Second)*perSecond)
		i.held(begun.Add(at))
	}
	return i
}

func TestOneCityAtATimeSendsItsWholeState(t *testing.T) {
	now := time.Now()
	i := newIntake(wake.NewSignal())
	a, _ := i.take("a", true, now)
	if _, ok := i.take("b", true, now); ok {
		t.Error("two have their turn")
	}
	i.end(a, false, now)
	select {
	case <-i.free:
	default:
		t.Error("nobody is told that the turn has ended")
	}
	if _, ok := i.take("b", true, now); !ok {
		t.Error("a turn that has ended keeps others waiting")
	}
}

func TestATurnLapsesThatIsTooSlowOrTooLong(t *testing.T) {
	for fact, row := range map[string]struct {
		perSecond uint64
		lasted    time.Duration
		held      bool
	}{
		"at pace":                 {2 * sessionPace, turnMax - time.Second, true},
		"at pace, but too long":   {2 * sessionPace, turnMax, false},
		"below pace":              {sessionPace / 2, turnWindow, false},
		"stalls":                  {0, turnWindow, false},
		"stalls, but not so long": {0, turnWindow - time.Second, true},
	} {
		begun := time.Now()
		i := paced(t, begun, row.lasted, row.perSecond)
		now := begun.Add(row.lasted)
		if _, held := i.held(now); held != row.held {
			t.Errorf("%s: held %t", fact, held)
		}
		if _, ok := i.take("b", true, now); ok == row.held {
			t.Errorf("%s: the next gets its turn: %t", fact, ok)
		}
	}
}

func TestATurnThatLapsedEndsWithoutHarm(t *testing.T) {
	begun := time.Now()
	i := newIntake(wake.NewSignal())
	a, _ := i.take("a", true, begun)
	later := begun.Add(turnWindow)
	if _, ok := i.take("b", true, later); !ok {
		t.Fatal("the turn has not lapsed")
	}
	i.end(a, true, later)
	if _, held := i.held(later); !held {
		t.Error("the end of a turn that had lapsed ended the next")
	}
}

func TestNobodyWaitsForAPeerWhoseTurnsLapse(t *testing.T) {
	for fact, row := range map[string]struct {
		perSecond uint64
		lasted    time.Duration
		times     int
	}{
		"too slow": {0, turnWindow, strikesMax},
		"too long": {2 * sessionPace, turnMax, 1},
	} {
		begun := time.Now()
		i := paced(t, begun, row.lasted, row.perSecond)
		now := begun.Add(row.lasted)
		for range row.times {
			i.held(now)
			if _, ok := i.take("a", true, now); !ok {
				t.Fatalf("%s: a gets no turn", fact)
			}
			now = now.Add(turnWindow)
		}
		if _, held := i.held(now.Add(-turnWindow)); held {
			t.Errorf("%s: others wait for a", fact)
		}
		if _, ok := i.take("b", true, now); !ok {
			t.Errorf("%s: b has to wait", fact)
		}
		if _, ok := i.take("a", true, now); ok {
			t.Errorf("%s: a does not wait for others", fact)
		}
		if i.lapses.barred("a", now.Add(strikeLife+time.Second)) {
			t.Errorf("%s: it is held against a for ever", fact)
		}
	}
}

func TestWhatNobodyAskedForKeepsNobodyWaitingThatWasAsked(t *testing.T) {
	now := time.Now()
	i := newIntake(wake.NewSignal())
	if _, ok := i.take("stranger", false, now); !ok {
		t.Fatal("a stranger gets no turn although nobody has one")
	}
	if _, held := i.held(now); held {
		t.Error("this node waits for a stranger")
	}
	if _, ok := i.take("another stranger", false, now); ok {
		t.Error("two strangers send at once")
	}
	if _, ok := i.take("a", true, now); !ok {
		t.Error("the city that was asked waits for a stranger")
	}
	if _, ok := i.take("stranger", false, now); ok {
		t.Error("a stranger sends beside the city that was asked")
	}
}

func mustTake(t *testing.T, i *intake, p peer.ID, now time.Time) *turn {
	t.Helper()
	taken, ok := i.take(p, true, now)
	if !ok {
		t.Fatalf("%s has to wait", p)
	}
	return taken
}

func TestASenderThatWasFastAndTricklesLosesItsTurn(t *testing.T) {
	i, now := newIntake(wake.NewSignal()), time.Now()
	fast := mustTake(t, i, "gotham", now)
	i.note(fast, 1_000_000)
	now = now.Add(turnWindow)
	if _, held := i.held(now); !held {
		t.Fatal("a fast sender has lost its turn")
	}
	if _, ok := i.take("metropolis", true, now); ok {
		t.Fatal("two have their turn")
	}
	now = now.Add(turnWindow)
	if _, held := i.held(now); held {
		t.Error("a sender that sends nothing any more keeps its turn")
	}
	mustTake(t, i, "metropolis", now)
}

func TestNobodyWaitsForASenderWhoseTurnsFail(t *testing.T) {
	i, now := newIntake(wake.NewSignal()), time.Now()
	for range strikesMax {
		i.end(mustTake(t, i, "joker", now), true, now)
	}
	mustTake(t, i, "joker", now)
	if _, held := i.held(now); held {
		t.Error("the others wait for it still")
	}
	mustTake(t, i, "gotham", now)
}
