package nodetest

import (
	"context"
	"time"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/node"
)

const (
	// WaitMax bounds every wait, in real or virtual time. No wait of a healthy cluster
	// takes a tenth of it.
	WaitMax = time.Minute

	// lookEvery is how often a wait looks.
	lookEvery = 10 * time.Millisecond
)

// Await waits until a condition holds. It looks every 10 ms, in the goroutine of the
// test, which alone may end the test. what names the condition in the test's output. The
// first look comes before any wait, so that in a bubble no time passes needlessly.
func (c *Cluster) Await(what string, holds func() bool) {
	c.t.Helper()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	late := time.NewTimer(WaitMax)
	defer late.Stop()
	for !holds() {
		select {
		case <-look.C:
		case <-late.C:
			c.t.Fatalf("nodetest: not in %v: %s", WaitMax, what)
		}
	}
}

// AwaitReady waits until these nodes are ready, or all that run if none is named.
func (c *Cluster) AwaitReady(nodes ...*node.Node) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), WaitMax)
	defer cancel()
	for _, m := range c.selected(nodes) {
		if err := m.AwaitReady(ctx); err != nil {
			c.t.Fatalf("nodetest: city %s is not ready: %v", m.name, err)
		}
	}
}

// AwaitAlive waits until each of these nodes knows that the others live, or each of
// all that run if none is named.
func (c *Cluster) AwaitAlive(nodes ...*node.Node) {
	c.t.Helper()
	members := c.selected(nodes)
	for _, m := range members {
		for _, other := range members {
			if other != m {
				c.Await(m.name+" knows that "+other.name+" lives", func() bool { return knowsAlive(m.Node, other.Node) })
			}
		}
	}
}

func knowsAlive(n, other *node.Node) bool {
	for _, known := range n.Cities() {
		if known.Peer == other.Peer() {
			return known.Status == node.Alive
		}
	}
	return false
}

// AwaitEqual waits until the cities of these nodes are up and hold the same heroes and
// the same dead, or the cities of all that run if none is named.
func (c *Cluster) AwaitEqual(nodes ...*node.Node) {
	c.t.Helper()
	members := c.selected(nodes)
	c.Await("all cities hold the same", func() bool { return equal(members) })
}

// equal reports whether all are up and their summaries are the same. They are asked one
// after another, so with ticks it may be true of no single moment.
func equal(members []*member) bool {
	var first crdt.Summary
	for i, m := range members {
		summary, up := summaryOf(m.Node)
		if i == 0 {
			first = summary
		}
		if !up || summary != first {
			return false
		}
	}
	return true
}

// summaryOf returns the summary of a city's state, and whether the city is up.
func summaryOf(n *node.Node) (summary crdt.Summary, up bool) {
	incarnation, err := n.City().Current()
	if err != nil {
		return crdt.Summary{}, false
	}
	summary, err = incarnation.Summary(context.Background())
	return summary, err == nil
}
