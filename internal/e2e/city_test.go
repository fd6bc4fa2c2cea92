//go:build linux

package e2e

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/citynode/citynode/internal/netlab"
)

const (
	// startMax is far beyond what a busy machine needs.
	startMax = 30 * time.Second
	// eventsTold is how many of a city's last events a failed test shows.
	eventsTold = 40
)

// quiet is a city that changes nothing by itself and finds nobody by mDNS.
var quiet = []string{"--mdns=false", "--patrol-every", "0", "--fight-every", "0"}

// event is one line that a city tells; each kind has some of the fields.
type event struct {
	Event  string    `json:"event"`
	Time   time.Time `json:"time"`
	City   string    `json:"city"`
	Peer   string    `json:"peer"`
	Addrs  []string  `json:"addrs"`
	Status string    `json:"status"`
	Source string    `json:"source"`
	Error  string    `json:"error"`

	line string // all of it
}

// city is a citynode that runs on a host, one process after another.
type city struct {
	name    string
	host    *netlab.Host
	args    []string
	program string // that runs the city; empty: binary
	*process
}

// process is one run of a city.
type process struct {
	cmd    *exec.Cmd
	ready  chan event    // the first event
	ended  chan struct{} // closed when err and stderr are set
	err    error
	stderr bytes.Buffer

	mu     sync.Mutex // guards events
	events []event
}

// startCity starts a city and waits until it is ready.
func startCity(t *testing.T, host *netlab.Host, name string, args ...string) *city {
	t.Helper()
	c := &city{name: name, host: host, args: args}
	c.start(t)
	return c
}

// startCities starts a quiet city on each host, one after another; all but the
// first are told of the first.
func startCities(t *testing.T, lab *netlab.Lab) []*city {
	t.Helper()
	var cities []*city
	for _, h := range lab.Hosts {
		cities = append(cities, startCity(t, h, "city-"+h.Name, quietAmong(t, cities)...))
	}
	awaitCities(t, cities)
	return cities
}

// quietAmong returns the arguments of a quiet city that is told of the first one.
func quietAmong(t *testing.T, cities []*city) []string {
	t.Helper()
	args := slices.Clone(quiet)
	if len(cities) > 0 {
		args = append(args, "--bootstrap", cities[0].addr(t))
	}
	return args
}

// start runs the city again with the arguments and folders that it had, and waits
// until it is ready.
func (c *city) start(t *testing.T) {
	t.Helper()
	c.launch(t)
	select {
	case <-c.ready:
	case <-c.ended:
		t.Fatalf("%s has ended before it was ready: %v", c.name, c.err)
	case <-time.After(startMax):
		t.Fatalf("%s is not ready within %v", c.name, startMax)
	}
}

// launch runs the city again and waits for nothing.
func (c *city) launch(t *testing.T) {
	t.Helper()
	p := &process{ready: make(chan event, 1), ended: make(chan struct{})}
	args := append([]string{"run", c.name, "--network", "lab", "--json"}, c.args...)
	p.cmd = c.host.Command(context.Background(), cmp.Or(c.program, binary), args...)
	p.cmd.Stderr = &p.stderr
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c.process = p
	go p.follow(stdout)
	t.Cleanup(func() { p.end(t, c.name) })
}

// follow keeps the events, and waits for the end.
func (p *process) follow(stdout io.Reader) {
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		e := event{line: lines.Text()}
		_ = json.Unmarshal(lines.Bytes(), &e) // what is no event is kept as text
		p.mu.Lock()
		p.events = append(p.events, e)
		p.mu.Unlock()
		if e.Event == "ready" {
			p.ready <- e
		}
	}
	p.err = p.cmd.Wait()
	close(p.ended)
}

// end kills the process if it still runs, and shows what it told where the test
// has failed.
func (p *process) end(t *testing.T, name string) {
	_ = p.cmd.Process.Kill()
	<-p.ended
	if !t.Failed() {
		return
	}
	told := p.told()
	if over := len(told) - eventsTold; over > 0 {
		t.Logf("%s: %d events before", name, over)
		told = told[over:]
	}
	for _, e := range told {
		t.Logf("%s: %s", name, e.line)
	}
	t.Logf("%s: ended with %v; it said:\n%s", name, p.err, p.stderr.Bytes())
}

// told are the events until now.
func (p *process) told() []event {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.events)
}

// addr is an address at which other hosts reach the city.
func (c *city) addr(t *testing.T) string {
	t.Helper()
	for _, addr := range c.told()[0].Addrs {
		if strings.HasPrefix(addr, "/ip4/"+c.host.Addr.String()+"/") {
			return addr
		}
	}
	t.Fatalf("%s has no address on %v: %v", c.name, c.host.Addr, c.told()[0].Addrs)
	return ""
}
