//go:build linux && (amd64 || arm64)

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/citynode/citynode/internal/history"
	"github.com/citynode/citynode/internal/lossyfs"
	"github.com/citynode/citynode/internal/netlab"
)

// cutsFew is for how many rounds the power is cut where nothing else is said.
const cutsFew = 5

// A powered city has its data folder on a disk that forgets at a power cut what was
// not synced.
type powered struct {
	*city
	disk *lossyfs.Disk
}

// powerCity makes a city that does not run yet. The city itself makes its folder.
func powerCity(t *testing.T, host *netlab.Host, seed uint64, args ...string) *powered {
	t.Helper()
	path, err := os.MkdirTemp(host.Dir, "disk-")
	if err != nil {
		t.Fatal(err)
	}
	p := &powered{disk: lossyfs.New(seed)}
	p.disk.Mount(t, path)
	p.city = &city{name: "city-" + host.Name, host: host, args: append(args, "--data-dir", filepath.Join(path, "data"))}
	return p
}

// cut ends the process, and has the disk forget.
func (p *powered) cut(t *testing.T) lossyfs.Loss {
	t.Helper()
	p.kill(t)
	return p.disk.Cut()
}

// A powerGrid is cities whose power fails at the same time.
type powerGrid struct {
	all    []*powered
	cities []*city
	lost   lossyfs.Loss
}

// startOnGrid starts quiet cities, one on each host, which the program runs.
func startOnGrid(t *testing.T, lab *netlab.Lab, program string) *powerGrid {
	t.Helper()
	g := &powerGrid{}
	for i, h := range lab.Hosts {
		p := powerCity(t, h, uint64(i), quietAmong(t, g.cities)...)
		p.program = program
		p.start(t)
		g.all, g.cities = append(g.all, p), append(g.cities, p.city)
	}
	awaitCities(t, g.cities)
	return g
}

// cut cuts the power of all: their processes end, and their disks forget.
func (g *powerGrid) cut(t *testing.T) {
	t.Helper()
	for _, p := range g.all {
		if err := p.cmd.Process.Signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range g.all {
		p.awaitEnd(t, syscall.SIGKILL)
		g.lost.Add(p.disk.Cut())
	}
}

// back starts all again, and waits until they hold the same.
func (g *powerGrid) back(t *testing.T) {
	t.Helper()
	for _, p := range g.all {
		p.start(t)
	}
	awaitCities(t, g.cities)
	if len(g.cities) > 1 {
		g.cities[0].converge(t, healMax)
	}
}

// cutUnderLoad has dispatchers order while the power of all cities is cut, once a
// round, and judges after each round what they were told. It ends with the first
// round that has violations.
func (g *powerGrid) cutUnderLoad(t *testing.T, rounds int) []history.Violation {
	t.Helper()
	c := newChronicle()
	for round := range rounds {
		c.orderUntil(g.cities, func() {
			wait(t, time.Duration(300+100*(round%7))*time.Millisecond)
			g.cut(t)
		})
		g.back(t)
		if violations := history.Check(&c.History, finals(t, g.cities)); len(violations) > 0 {
			t.Logf("violations after cut %d", round+1)
			return violations
		}
	}
	t.Logf("%d cuts: %v; the disks lost %v", rounds, c.counts(), g.lost)
	return nil
}

func TestPowerCutsOfOneCityLoseNothingAcknowledged(t *testing.T)           { cutsLoseNothing(t, 1) }
func TestPowerCutsOfThreeCitiesAtOnceLoseNothingAcknowledged(t *testing.T) { cutsLoseNothing(t, 3) }

func cutsLoseNothing(t *testing.T, hosts int) {
	g := startOnGrid(t, newLab(t, hosts), binary)
	for _, v := range g.cutUnderLoad(t, roundsOr(cutsFew)) {
		t.Error(v)
	}
	if g.lost == (lossyfs.Loss{}) {
		t.Error("the disks lost nothing")
	}
}

// The power fails ever later after the first start, until the city is ready before it
// does.
func TestACityWhosePowerFailsAtItsFirstStartStartsAgain(t *testing.T) {
	lab := newLab(t, 1)
	const step = time.Millisecond
	var lost lossyfs.Loss
	for n := 0; ; n++ {
		p := powerCity(t, lab.Hosts[0], uint64(n), quiet...)
		p.launch(t)
		wait(t, time.Duration(n)*step)
		ready := len(p.ready) > 0
		lost.Add(p.cut(t))
		p.start(t)
		hero := p.createdBy(t, "Batman")
		lost.Add(p.cut(t))
		p.start(t)
		if err := p.holds(hero); err != nil {
			t.Fatalf("after a cut at %v: %v", time.Duration(n)*step, err)
		}
		p.kill(t)
		if ready {
			t.Logf("%d cuts within %v; the disks lost %v", n, time.Duration(n)*step, lost)
			return
		}
	}
}

// The judge is judged: a city that answers before its store is synced loses what it
// acknowledged.
func TestPowerCutsFindACityThatDoesNotSync(t *testing.T) {
	lab := newLab(t, 1)
	g := startOnGrid(t, lab, buildWith(t, "internal/store/store.go", "write(batchOps(b), !b.Lazy)", "write(batchOps(b), false)"))
	const rounds = 10 // the first is enough, unless by chance all of the log survives
	found := g.cutUnderLoad(t, rounds)
	for _, v := range found {
		if v.Rule == history.Lost {
			t.Logf("%d violations, the first loss: %v", len(found), v)
			return
		}
	}
	t.Errorf("nobody has noticed: %v", found)
}

// buildWith builds the program from sources in which a text, which one file has once,
// is replaced.
func buildWith(t *testing.T, file, old, replacement string) (path string) {
	t.Helper()
	file, err := filepath.Abs(filepath.Join("..", "..", filepath.FromSlash(file)))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), old); n != 1 {
		t.Fatalf("%s has %q %d times, want once", file, old, n)
	}
	dir := t.TempDir()
	changed, overlay := filepath.Join(dir, "changed.go"), filepath.Join(dir, "overlay.json")
	list, err := json.Marshal(map[string]any{"Replace": map[string]string{file: changed}})
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string]string{changed: strings.Replace(string(text), old, replacement, 1), overlay: string(list)} {
		if err := os.WriteFile(name, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	path, err = build(dir, "-overlay", overlay)
	if err != nil {
		t.Fatal(fmt.Errorf("with %q in place of %q: %w", replacement, old, err))
	}
	return path
}
