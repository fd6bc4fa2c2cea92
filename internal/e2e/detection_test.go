//go:build linux

package e2e

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/citynode/citynode/internal/netlab"
)

const (
	// What failure detection promises, as docs/wire says it.
	suspectMax = 2 * time.Second
	killedMax  = 2 * time.Second
	failedMax  = 5 * time.Second
	backMax    = 3 * time.Second
	// busy is what a machine that does other things besides may add.
	busy = time.Second
	// citiesEnv is how many cities the long test of detection has; without it the test is
	// skipped.
	citiesEnv = "CITYNODE_E2E_CITIES"
)

func TestACutCableAKillAndAFreezeAreNoticedInSeconds(t *testing.T) {
	lab := newLab(t, 3)
	noticeAll(t, lab, startCities(t, lab))
}

func TestTheyAreNoticedOverTCPAlone(t *testing.T) {
	lab := newLab(t, 3)
	var cities []*city
	for _, h := range lab.Hosts {
		args := append(quietAmong(t, cities), "--listen", fmt.Sprintf("/ip4/%v/tcp/4900", h.Addr))
		cities = append(cities, startCity(t, h, "city-"+h.Name, args...))
	}
	awaitCities(t, cities)
	noticeAll(t, lab, cities)
}

// TestTheyAreNoticedByFiftyCities needs minutes and both cores: make e2e-detection.
func TestTheyAreNoticedByFiftyCities(t *testing.T) {
	n, err := strconv.Atoi(os.Getenv(citiesEnv))
	if err != nil || n < 3 {
		t.Skipf("set %s, as make e2e-detection does", citiesEnv)
	}
	lab := newLab(t, n)
	noticeAll(t, lab, startCities(t, lab))
}

// noticeAll has one city after another frozen, cut off and killed, and looks how soon all
// others notice, and notice that it is back.
func noticeAll(t *testing.T, lab *netlab.Lab, cities []*city) {
	t.Helper()
	wait(t, 5*time.Second) // round trips are known
	frozen, cut, killed := cities[1], cities[2], cities[len(cities)-1]

	begun := time.Now()
	signal(t, frozen, syscall.SIGSTOP)
	notice(t, "frozen", cities, frozen, "suspect", begun, suspectMax)
	notice(t, "frozen", cities, frozen, "failed", begun, failedMax)
	thawed := time.Now()
	signal(t, frozen, syscall.SIGCONT)
	notice(t, "frozen and thawed", cities, frozen, "alive", thawed, backMax)
	wait(t, 5*time.Second)
	for _, of := range cities { // it judged nobody
		if at, told := frozen.firstTold(of.name, "failed", begun); told {
			t.Errorf("the city that was frozen took %s for failed after %v", of.name, at.Sub(begun))
		}
	}

	begun = time.Now()
	lab.Partition(slices.DeleteFunc(slices.Clone(lab.Hosts), func(h *netlab.Host) bool { return h == cut.host }))
	notice(t, "cut off", cities, cut, "suspect", begun, suspectMax)
	notice(t, "cut off", cities, cut, "failed", begun, failedMax)
	wait(t, time.Until(begun.Add(15*time.Second)))
	healed := time.Now()
	lab.Heal()
	notice(t, "cut off and healed", cities, cut, "alive", healed, backMax)
	wait(t, 5*time.Second)

	begun = time.Now()
	signal(t, killed, syscall.SIGKILL)
	notice(t, "killed", cities, killed, "failed", begun, killedMax)
	for _, by := range cities {
		for _, of := range cities {
			if slices.Contains([]*city{frozen, cut, killed}, of) || by == cut {
				continue
			}
			if _, told := by.firstTold(of.name, "failed", time.Time{}); told {
				t.Errorf("%s took %s for failed", by.name, of.name)
			}
		}
	}
}

func signal(t *testing.T, c *city, s syscall.Signal) {
	t.Helper()
	if err := c.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// notice waits until all others have told that a city has a status, and checks how soon the
// last of them did.
func notice(t *testing.T, what string, cities []*city, of *city, status string, since time.Time, within time.Duration) {
	t.Helper()
	var last time.Duration
	await(t, within+4*busy, func() error {
		last = 0
		for _, by := range cities {
			if by == of {
				continue
			}
			at, told := by.firstTold(of.name, status, since)
			if !told {
				return fmt.Errorf("%s has not told that %s is %s", by.name, of.name, status)
			}
			last = max(last, at.Sub(since))
		}
		return nil
	})
	t.Logf("%s: %s to all %d others after %v", what, status, len(cities)-1, last.Round(time.Millisecond))
	if last > within+busy {
		t.Errorf("%s: %s to all only after %v, want %v", what, status, last, within)
	}
}

// firstTold returns when the city first told, since a time, that another has a status.
func (c *city) firstTold(other, status string, since time.Time) (at time.Time, told bool) {
	for _, e := range c.told() {
		if e.Event == "city" && e.City == other && e.Status == status && !e.Time.Before(since.Truncate(time.Millisecond)) {
			return e.Time, true
		}
	}
	return at, false
}
