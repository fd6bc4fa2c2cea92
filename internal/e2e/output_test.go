//go:build linux

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// startIntoFile starts a quiet city whose events go to a file, and waits until it is
// ready.
func startIntoFile(t *testing.T, c *city, path string) {
	t.Helper()
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	p := &process{ended: make(chan struct{})}
	args := append([]string{"run", c.name, "--network", "lab", "--json"}, quiet...)
	p.cmd = c.host.Command(context.Background(), binary, args...)
	p.cmd.Stdout, p.cmd.Stderr = out, &p.stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c.process = p
	go func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() { p.end(t, c.name) })
	c.ask(t, formMax, new(struct{}), "wait", "cities", "1")
}

func TestACityGoesOnWhoseOutputHasNoRoom(t *testing.T) {
	lab := newLab(t, 1)
	d := newDisk(t, lab.Hosts[0])
	c, out := &city{name: "gotham", host: lab.Hosts[0]}, filepath.Join(d.path, "events")
	startIntoFile(t, c, out)
	c.create(t, "Before")
	d.fill(t, 0)
	// What is left of a block is taken first.
	for i := range 40 {
		c.create(t, fmt.Sprintf("Lost-%d", i))
	}
	d.free(t)
	c.create(t, "After")
	c.signal(t, syscall.SIGTERM)
	if c.err != nil {
		t.Errorf("it ended with %v", c.err)
	}
	if said := strings.Count(c.stderr.String(), "events cannot be written"); said != 1 {
		t.Errorf("it said %d times that events are dropped, want once:\n%s", said, c.stderr.String())
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	events, dropped, torn := readEvents(text)
	for name, want := range map[string]bool{"Before": true, "Lost-39": false, "After": true} {
		if events[name] != want {
			t.Errorf("the event of %s is there: %t, want %t", name, !want, want)
		}
	}
	if dropped == 0 || torn > 1 {
		t.Errorf("%d events are said to be lost, and %d lines are torn, in\n%s", dropped, torn, text)
	}
}

// readEvents returns of which heroes there are events, how many are said to be lost, and
// how many lines are no JSON.
func readEvents(text []byte) (heroes map[string]bool, dropped, torn int) {
	heroes = make(map[string]bool)
	for line := range bytes.Lines(text) {
		var e struct {
			Name  string `json:"name"`
			Event string `json:"event"`
			Count int    `json:"count"`
		}
		if json.Unmarshal(line, &e) != nil {
			torn++
		}
		heroes[e.Name] = true
		if e.Event == "dropped" {
			dropped += e.Count
		}
	}
	return heroes, dropped, torn
}
