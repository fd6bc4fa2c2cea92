package supervise

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// The table is what Erlang/OTP 25 does with a one_for_one supervisor of
// intensity 3 and period 5 s, and with intensity 0 in its last row.
func TestIntensityIsThatOfOTP(t *testing.T) {
	for _, row := range []struct {
		name      string
		intensity int           // as of Config
		children  int           // that crash, in turn
		every     time.Duration // between two crashes
		until     time.Duration // when the test stops looking
		starts    int           // of all children
		ended     time.Duration // when it gave up; -1: it was alive to the end
	}{
		{name: "every 0 ms: ended after 4 starts", children: 1, every: 0, until: time.Second, starts: 4, ended: 0},
		{name: "every 1.3 s: ended at 5.2 s", children: 1, every: 1300 * time.Millisecond, until: 14 * time.Second, starts: 4, ended: 5200 * time.Millisecond},
		{name: "every 2.1 s: alive after 14 s", children: 1, every: 2100 * time.Millisecond, until: 14 * time.Second, starts: 7, ended: -1},
		{name: "four crashes over two children: ended", children: 2, every: time.Millisecond, until: time.Second, starts: 5, ended: 4 * time.Millisecond},
		{name: "intensity 0: ended by the first crash", intensity: -1, children: 1, every: time.Second, until: 14 * time.Second, starts: 1, ended: time.Second},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, began := newCrew(), time.Now()
				cfg := Config{Intensity: row.intensity, Observer: Observer{Started: func(string) { c.note("start") }}}
				names := []string{"a", "b"}[:row.children]
				for _, name := range names {
					cfg.Children = append(cfg.Children, c.child(name))
				}
				s := serve(t, cfg)
				ended := time.Duration(-1)
				for i := 0; s.running() && time.Since(began)+row.every <= row.until; i++ {
					time.Sleep(row.every)
					c.crash(names[i%len(names)])
				}
				if !s.running() {
					ended = time.Since(began)
				}
				err := s.stopped()
				if starts := len(c.take()); starts != row.starts || ended != row.ended {
					t.Errorf("%d starts, ended at %v; want %d, %v", starts, ended, row.starts, row.ended)
				}
				if _, gaveUp := errors.AsType[*IntensityError](err); gaveUp != (row.ended >= 0) {
					t.Errorf("Serve = %v", err)
				}
			})
		})
	}
}

func TestKillingTheSecondOfThreeReplacesOnlyTheSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrew()
		lives := map[string]int{}
		cfg := Config{Observer: c.observer()}
		for _, name := range []string{"a", "b", "c"} {
			child := c.child(name)
			inner := child.Start
			child.Start = func(ctx context.Context) (func(context.Context) error, error) {
				lives[name]++
				return inner(ctx)
			}
			cfg.Children = append(cfg.Children, child)
		}
		s := serve(t, cfg)
		c.take()
		c.crash("b")
		wantEvents(t, c, "crashed b: boom", "started b")
		if lives["a"] != 1 || lives["b"] != 2 || lives["c"] != 1 {
			t.Errorf("lives %v, want one of a and c, two of b", lives)
		}
		if s.Restarts("a") != 0 || s.Restarts("b") != 1 || s.Restarts("c") != 0 {
			t.Error("Restarts disagrees")
		}
		if err := s.stopped(); err != nil {
			t.Error(err)
		}
	})
}

func TestARestartOneWholePeriodAgoStillCounts(t *testing.T) {
	in := intensity{restartsMax: 1, period: 5 * time.Second}
	start := time.Unix(0, 0)
	if !in.restart(start) || in.restart(start.Add(5*time.Second)) {
		t.Error("two restarts 5 s apart are not two within 5 s")
	}
	in = intensity{restartsMax: 1, period: 5 * time.Second}
	if !in.restart(start) || !in.restart(start.Add(5*time.Second+1)) {
		t.Error("two restarts a nanosecond more than 5 s apart are two within 5 s")
	}
}

// crashes draws a story of crashes: the time since the one before and who.
// Most gaps are whole seconds, so that they fall on the edge of the period.
func crashes() *rapid.Generator[[]crash] {
	gap := rapid.OneOf(rapid.Map(rapid.IntRange(0, 4), func(s int) time.Duration { return time.Duration(s) * time.Second }),
		rapid.Map(rapid.Int64Range(0, int64(3*time.Second)), func(ns int64) time.Duration { return time.Duration(ns) }))
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) crash {
		return crash{gap: gap.Draw(t, "gap"), child: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "child")}
	}), 0, 20)
}

type crash struct {
	gap   time.Duration
	child string
}

// endedBy is the rule said naively: which crash ends it, or len(story).
func endedBy(story []crash, restartsMax int, period time.Duration) int {
	var now time.Duration
	var all []time.Duration
	for i, c := range story {
		now += c.gap
		all = append(all, now)
		recent := 0
		for _, at := range all {
			if now <= at+period {
				recent++
			}
		}
		if recent > restartsMax {
			return i
		}
	}
	return len(story)
}

func TestIntensityAgreesWithTheNaiveRule(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		story := crashes().Draw(t, "story")
		in := intensity{restartsMax: rapid.IntRange(0, 6).Draw(t, "restartsMax"), period: time.Duration(rapid.IntRange(1, 8).Draw(t, "period s")) * time.Second}
		want, got, now := endedBy(story, in.restartsMax, in.period), len(story), time.Unix(0, 0)
		for i, c := range story {
			now = now.Add(c.gap)
			if !in.restart(now) {
				got = i
				break
			}
			if len(in.times) > in.restartsMax {
				t.Fatalf("%d times are kept, more than %d", len(in.times), in.restartsMax)
			}
		}
		if got != want {
			t.Fatalf("crash %d ended it, want %d", got, want)
		}
	})
}

func TestASupervisorAgreesWithTheNaiveRule(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		story := crashes().Draw(rt, "story")
		restartsMax := rapid.IntRange(1, 5).Draw(rt, "restartsMax")
		period := time.Duration(rapid.IntRange(1, 8).Draw(rt, "period s")) * time.Second
		got, restarts := len(story), 0
		synctest.Test(t, func(t *testing.T) {
			c := newCrew()
			s := serve(t, Config{Intensity: restartsMax, Period: period, Children: []Child{c.child("a"), c.child("b"), c.child("c")}})
			for i, crash := range story {
				time.Sleep(crash.gap)
				c.crash(crash.child)
				if !s.running() {
					got = i
					break
				}
			}
			_ = s.stopped()
			restarts = s.Restarts("a") + s.Restarts("b") + s.Restarts("c")
		})
		if want := endedBy(story, restartsMax, period); got != want || restarts != want {
			rt.Fatalf("crash %d ended it after %d restarts, want %d", got, restarts, want)
		}
	})
}
