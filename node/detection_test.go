package node

import (
	"flag"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

var detectionFlag = flag.Int("node.detection", 0, "how many cities the long tests of detection have; 0: few, and minutes instead of hours")

// detectors are n cities that all know each other, and have for a while.
func detectors(t *testing.T, net *simNet, n int) []*member {
	t.Helper()
	return detectorsAs(t, net, n, func(*Config) {})
}

// detectorsAs are such cities of the given configuration.
func detectorsAs(t *testing.T, net *simNet, n int, configure func(*Config)) []*member {
	t.Helper()
	cities := quicCities(t, net, n, configure)
	time.Sleep(time.Minute)
	return cities
}

// lateness returns how long after a time the last of the watchers was told that a city has
// a status, and fails the test where one was not.
func lateness(t *testing.T, of *member, want CityStatus, since time.Time, watchers []*member) (last time.Duration) {
	t.Helper()
	for _, w := range watchers {
		if w == of {
			continue
		}
		at, told := w.firstTold(of.cfg.City.Name, want, since)
		if !told {
			t.Errorf("%s was not told that %s is %s, but %v", w.cfg.City.Name, of.cfg.City.Name, want, w.told(of.cfg.City.Name))
		}
		last = max(last, at.Sub(since))
	}
	return last
}

// firstTold returns when an event first told, after a time, that a city has a status.
func (w *witness) firstTold(city string, want CityStatus, since time.Time) (at time.Time, told bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, e := range w.cities {
		if e.Name == city && e.Status == want && !w.toldAt[i].Before(since) {
			return w.toldAt[i], true
		}
	}
	return at, false
}

// wantNoneFailed checks that no city was ever taken for failed, but those that are named.
func wantNoneFailed(t *testing.T, cities []*member, but ...*member) {
	t.Helper()
	for _, w := range cities {
		for _, of := range cities {
			if !slices.Contains(but, w) && !slices.Contains(but, of) && slices.Contains(w.told(of.cfg.City.Name), Failed) {
				t.Errorf("%s was told of %s: %v", w.cfg.City.Name, of.cfg.City.Name, w.told(of.cfg.City.Name))
			}
		}
	}
}

// countTold returns how often the members were told that another has a status.
func countTold(cities []*member, status CityStatus) (times int) {
	for _, w := range cities {
		for _, of := range cities {
			for _, s := range w.told(of.cfg.City.Name) {
				if s == status {
					times++
				}
			}
		}
	}
	return times
}

// sizesOf are how many cities the tests of detection have.
func sizesOf(few ...int) []int {
	if *detectionFlag > 0 {
		return []int{*detectionFlag}
	}
	return few
}

func TestACityThatIsCutOffIsSuspectFailedAndBackInTime(t *testing.T) {
	for _, n := range sizesOf(3, 12) {
		for _, lasts := range []time.Duration{10 * time.Second, 2 * time.Minute} {
			t.Run(fmt.Sprintf("%d cities for %v", n, lasts), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { cutOff(t, n, lasts) })
			})
		}
	}
}

// cutOff has one of n cities cut off for a time.
func cutOff(t *testing.T, n int, lasts time.Duration) {
	net := newSimNet(t)
	cities := detectors(t, net, n)
	gone := cities[n/2]
	begun := time.Now()
	net.cut(gone.host)
	time.Sleep(failedSoon)
	suspect, failed := lateness(t, gone, Suspect, begun, cities), lateness(t, gone, Failed, begun, cities)
	for _, of := range cities {
		if of != gone { // as it sees them
			suspect = max(suspect, lateness(t, of, Suspect, begun, []*member{gone}))
			failed = max(failed, lateness(t, of, Failed, begun, []*member{gone}))
		}
	}
	if suspect > suspectSoon || failed > failedSoon {
		t.Errorf("suspect to all after %v, failed after %v", suspect, failed)
	}
	time.Sleep(lasts - failedSoon)
	net.heal()
	healed := time.Now()
	time.Sleep(backSoon)
	back := lateness(t, gone, Alive, healed, cities)
	for _, of := range cities {
		if of != gone {
			back = max(back, lateness(t, of, Alive, healed, []*member{gone}))
		}
	}
	t.Logf("suspect to all after %v, failed after %v, back after %v", suspect, failed, back)
	time.Sleep(10 * time.Second)
	wantNoneFailed(t, cities, gone)
	for _, c := range cities {
		if s := c.status(t); s.Alive != n-1 {
			t.Errorf("%s shows %+v", c.cfg.City.Name, s)
		}
	}
}

func TestNobodyIsTakenForFailedOverABadNetwork(t *testing.T) {
	lasts := 5 * time.Minute
	if *detectionFlag > 0 {
		lasts = time.Hour
	}
	for _, row := range []struct {
		fact    string
		loss    float64
		latency time.Duration
	}{
		{"a fifth of all packets lost", 0.2, 5 * time.Millisecond},
		{"300 ms one way", 0, 300 * time.Millisecond},
	} {
		for _, n := range sizesOf(3, 8) {
			t.Run(fmt.Sprintf("%d cities, %s", n, row.fact), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					net := newSimNet(t)
					cities := detectors(t, net, n)
					net.SetLoss(row.loss)
					net.SetLatency(row.latency)
					for range 6 { // so that whoever looks on sees how it goes
						if t.Failed() {
							return
						}
						time.Sleep(lasts / 6)
						wantNoneFailed(t, cities)
						t.Logf("%d suspicions so far", countTold(cities, Suspect))
					}
				})
			})
		}
	}
}
