//go:build linux

package e2e

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// twinNoticeMax is how soon one of two processes with one key has noticed the other and ended,
// from its start: 10 s, and what a busy machine needs to start and to end it.
const twinNoticeMax = 10*time.Second + 5*time.Second

// The two are told of a neighbour alone, which knows both. Neither is told where the other
// is, and the copies know other hosts' ports only.
func TestOfTwoProcessesWithOneKeyTheLaterStops(t *testing.T) {
	lab := newLab(t, 3)
	metropolis := startCity(t, lab.Hosts[0], "metropolis", quiet...)
	place := t.TempDir()
	original, backup := filepath.Join(place, "original"), filepath.Join(place, "backup")
	in := func(folder string) []string {
		return slices.Concat(quietAmong(t, []*city{metropolis}), []string{"--data-dir", folder})
	}
	gotham := startCity(t, lab.Hosts[1], "gotham", in(original)...)
	batman := gotham.createdBy(t, "Batman")
	gotham.stop(t)
	command(t, "cp", "-rp", original, backup)
	gotham.start(t) // and so the backup has an older incarnation
	robin := gotham.createdBy(t, "Robin")
	restored := &city{name: "gotham", host: lab.Hosts[2], args: in(backup)}

	restored.endsBeside(t, gotham)
	await(t, formMax, func() error { return gotham.holds(batman, robin) })
	await(t, healMax, func() error { return metropolis.allAlive([]*city{metropolis, gotham}, 2) })

	// The other order: the restored one was there first, and the original is back.
	gotham.stop(t)
	restored.start(t)
	jason := restored.createdBy(t, "Jason")
	gotham.endsBeside(t, restored)
	await(t, formMax, func() error { return restored.holds(batman, robin, jason) })
	await(t, healMax, func() error { return metropolis.allAlive([]*city{metropolis, restored}, 3) })
}

// endsBeside starts the city beside another process with its key, and waits until it has
// ended with what to do about it.
func (c *city) endsBeside(t *testing.T, other *city) {
	t.Helper()
	begin := time.Now()
	c.launch(t)
	select {
	case <-c.ended:
	case <-other.ended:
		t.Fatalf("the one that started first has ended: %v", other.err)
	case <-time.After(twinNoticeMax):
		t.Fatalf("both run after %v", twinNoticeMax)
	}
	t.Logf("the later of two has ended %v after its start", time.Since(begin).Round(time.Millisecond))
	if said := c.stderr.String(); exitOf(c.err) != 5 || !strings.Contains(said, "runs twice") || !strings.Contains(said, `"hint":`) {
		t.Errorf("it ended with %v: %s", c.err, said)
	}
	select {
	case <-other.ended:
		t.Errorf("both have ended: %v", other.err)
	default:
	}
}
