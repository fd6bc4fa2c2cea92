//go:build linux

package netlab

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
)

// hostsMax is how many hosts a lab can have. The last byte of an address is the
// host's.
const hostsMax = 254

// Config says what a lab is made of.
type Config struct {
	// Hosts is the number of hosts, from 1 to 254.
	Hosts int
	// Seed decides which frames are lost and how long frames take.
	Seed uint64
}

// A Lab is some hosts on one Ethernet that has no faults at first. Its methods may be
// called at any time, by several goroutines, and take effect at once: a frame that
// is in flight when its link is cut is dropped when it is due. The hosts of another
// lab must not be passed to them.
type Lab struct {
	// Hosts are all hosts.
	Hosts []*Host

	ethernet *ethernet
}

// labsMade numbers the labs of this process.
var labsMade atomic.Int64

// New returns a lab that ends with the test. It calls [Need]. If the test fails, the
// lab logs what the links carried and dropped.
func New(t testing.TB, c Config) *Lab {
	t.Helper()
	Need(t)
	if c.Hosts < 1 || c.Hosts > hostsMax {
		t.Fatalf("netlab: Hosts is %d, must be from 1 to %d", c.Hosts, hostsMax)
	}
	lab, number := &Lab{}, int(labsMade.Add(1))
	plugs := make([]plug, c.Hosts)
	for i := range plugs {
		h, p, err := makeHost(number, i)
		if err != nil {
			t.Fatalf("netlab: make host %d: %v", i+1, err)
		}
		t.Cleanup(func() { removeHost(t, h, p) })
		if err := h.makeFolders(t.TempDir()); err != nil {
			t.Fatalf("netlab: make host %d: %v", i+1, err)
		}
		lab.Hosts, plugs[i] = append(lab.Hosts, h), p
	}
	lab.ethernet = newEthernet(c.Seed, plugs)
	lab.serve(t)
	return lab
}

// removeHost removes a host. The Ethernet may have closed the plug already.
func removeHost(t testing.TB, h *Host, p plug) {
	_ = p.Close()
	if err := h.ns.remove(); err != nil {
		t.Errorf("netlab: remove %s: %v", h.Name, err)
	}
}

// serve runs the Ethernet until the test ends.
func (l *Lab) serve(t testing.TB) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- l.ethernet.serve(ctx) }()
	t.Cleanup(func() {
		for _, h := range l.Hosts { // before the Ethernet, which they would miss
			if err := h.ns.killAll(); err != nil {
				t.Errorf("netlab: end what runs on %s: %v", h.Name, err)
			}
		}
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("netlab: the Ethernet has failed: %v", err)
		}
		if t.Failed() {
			l.log(t)
		}
	})
}

func (l *Lab) log(t testing.TB) {
	l.ethernet.each(func(from, to int, d *direction) {
		t.Logf("netlab: %s to %s: %+v", l.Hosts[from].Name, l.Hosts[to].Name, d.counters)
	})
}

// SetLink sets both directions between two hosts. It ends no cut. Like SetLinkOneWay
// and SetAll it panics if the link is not valid.
func (l *Lab) SetLink(a, b *Host, link Link) {
	l.SetLinkOneWay(a, b, link)
	l.SetLinkOneWay(b, a, link)
}

// SetLinkOneWay sets the direction from one host to another.
func (l *Lab) SetLinkOneWay(from, to *Host, link Link) {
	mustBeValid(link)
	l.ethernet.of(from.number, to.number, func(d *direction) { d.Link = link })
}

// SetAll sets every direction between any hosts.
func (l *Lab) SetAll(link Link) {
	mustBeValid(link)
	l.ethernet.each(func(_, _ int, d *direction) { d.Link = link })
}

func mustBeValid(link Link) {
	if err := link.Validate(); err != nil {
		panic(fmt.Sprintf("netlab: link: %v", err))
	}
}

// Cut lets nothing through between two hosts, until [Lab.Mend] or [Lab.Heal].
func (l *Lab) Cut(a, b *Host) {
	l.CutOneWay(a, b)
	l.CutOneWay(b, a)
}

// CutOneWay lets nothing through from one host to another.
func (l *Lab) CutOneWay(from, to *Host) {
	l.ethernet.of(from.number, to.number, func(d *direction) { d.cut = true })
}

// Mend ends a cut between two hosts, in both directions.
func (l *Lab) Mend(a, b *Host) {
	l.ethernet.of(a.number, b.number, func(d *direction) { d.cut = false })
	l.ethernet.of(b.number, a.number, func(d *direction) { d.cut = false })
}

// Partition lets hosts reach only the hosts of their own group. A host in no group
// reaches nobody. Partition replaces all cuts.
func (l *Lab) Partition(groups ...[]*Host) {
	together := func(from, to int) bool {
		return slices.ContainsFunc(groups, func(group []*Host) bool {
			return slices.Contains(group, l.Hosts[from]) && slices.Contains(group, l.Hosts[to])
		})
	}
	l.ethernet.each(func(from, to int, d *direction) { d.cut = !together(from, to) })
}

// Heal ends all cuts. Delays, losses and bandwidths stay as they are.
func (l *Lab) Heal() {
	l.ethernet.each(func(_, _ int, d *direction) { d.cut = false })
}

// Counters returns what the direction from one host to another has done so far.
func (l *Lab) Counters(from, to *Host) (c Counters) {
	l.ethernet.of(from.number, to.number, func(d *direction) { c = d.counters })
	return c
}
