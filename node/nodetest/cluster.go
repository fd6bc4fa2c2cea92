package nodetest

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/node"
)

// Cluster is a network in memory and the nodes that a test runs on it. Its methods
// fail the test rather than return errors. They belong to the goroutine of the test,
// but for NewHost.
type Cluster struct {
	t       testing.TB
	network network
	sides   *sides
	members []*member // all that were started, in that order
}

// A network makes hosts and links them. Hosts on one side reach each other, and no
// others.
type network interface {
	newHost(opts ...libp2p.Option) (host.Host, error)
	// separate applies what has changed in the sides.
	separate()
}

// A member is a node that runs, or has run.
type member struct {
	*node.Node
	name  string
	stop  context.CancelFunc
	ended chan struct{} // closed once err is set
	err   error         // what Run returned
	taken bool          // the test has taken err
}

// New returns an empty cluster whose hosts are linked by mocknet. It ends with the
// test. It may be used in a testing/synctest bubble and outside of one.
func New(t testing.TB) *Cluster {
	t.Helper()
	s := newSides()
	c := &Cluster{t: t, network: newMockNet(t, s), sides: s}
	t.Cleanup(c.close)
	return c
}

// NewQUIC returns an empty cluster whose hosts speak QUIC on a simulated network, with
// at most 255 hosts. It ends with the test. It needs a testing/synctest bubble.
func NewQUIC(t testing.TB) *Cluster {
	t.Helper()
	s := newSides()
	c := &Cluster{t: t, network: newQUICNet(t, s), sides: s}
	t.Cleanup(c.close)
	return c
}

// Quiet returns the configuration of a city without patrol and fight ticks.
func Quiet(name string) node.Config {
	return node.Config{City: city.Config{Name: name, PatrolEvery: city.Off, FightEvery: city.Off}}
}

// NewHost returns a host on the network that belongs to no node: for a
// dispatch.Config or a program's own protocols. The caller closes it before the test
// ends. NewHost is safe for concurrent use.
func (c *Cluster) NewHost(opts ...libp2p.Option) (host.Host, error) {
	return c.network.newHost(opts...)
}

// Start runs a node until the test ends or the test closes it. A Config that names no
// Bootstrap gets the addresses of all members that run. The network makes the host and
// its address, so Host, NewHost, Listen, Announce and MDNS must not be set, and
// Bootstrap must not need DNS.
func (c *Cluster) Start(cfg node.Config) *node.Node {
	c.t.Helper()
	if fault := outward(cfg); fault != "" {
		c.t.Fatalf("nodetest: %s of city %s: the network of the test makes hosts, and no packet leaves the process", fault, cfg.City.Name)
	}
	// Of all that run, and not of the first alone: it may have been closed, or cut off.
	if len(cfg.Bootstrap) == 0 {
		cfg.Bootstrap = c.addrs()
	}
	cfg.NewHost = c.network.newHost
	n, err := node.New(cfg)
	if err != nil {
		c.t.Fatalf("nodetest: city %s: %v", cfg.City.Name, err)
	}
	m := &member{Node: n, name: cfg.City.Name, ended: make(chan struct{})}
	c.members = append(c.members, m)
	// Not the context of the test: it ends before the cleanups that close the cluster.
	var ctx context.Context
	ctx, m.stop = context.WithCancel(context.Background())
	go func() {
		defer close(m.ended)
		m.err = m.Run(ctx)
	}()
	return n
}

// Wait waits until the node has ended and returns what its Run returned. The error no
// longer fails the test.
func (c *Cluster) Wait(n *node.Node) error {
	c.t.Helper()
	m := c.member(n)
	c.awaitEnd(m)
	m.taken = true
	return m.err
}

// close ends all nodes, the last one first, and reports those that failed. It runs before
// the cleanup that closes the network, so each node can still say goodbye.
func (c *Cluster) close() {
	for _, m := range slices.Backward(c.members) {
		m.stop()
		c.awaitEnd(m)
		if m.err != nil && !m.taken {
			c.t.Errorf("nodetest: city %s ended: %v", m.name, m.err)
		}
	}
}

func (c *Cluster) awaitEnd(m *member) {
	c.t.Helper()
	late := time.NewTimer(WaitMax)
	defer late.Stop()
	select {
	case <-m.ended:
	case <-late.C:
		c.t.Fatalf("nodetest: city %s has not ended in %v", m.name, WaitMax)
	}
}

// member returns the member whose node this is.
func (c *Cluster) member(n *node.Node) *member {
	c.t.Helper()
	i := slices.IndexFunc(c.members, func(m *member) bool { return m.Node == n })
	if i < 0 {
		c.t.Fatalf("nodetest: node %s was not started by this cluster", n.Peer())
	}
	return c.members[i]
}

// selected returns the members of these nodes, or of all that run if there is none.
func (c *Cluster) selected(nodes []*node.Node) []*member {
	c.t.Helper()
	if len(nodes) == 0 {
		return c.running()
	}
	members := make([]*member, len(nodes))
	for i, n := range nodes {
		members[i] = c.member(n)
	}
	return members
}

// outward returns the field by which a node would reach beyond the test, or "". A Host
// that is given may be on any network, and a name in Bootstrap is asked of a resolver.
func outward(cfg node.Config) string {
	switch {
	case cfg.Host != nil || cfg.PubSub != nil:
		return "Host"
	case cfg.NewHost != nil:
		return "NewHost"
	case len(cfg.Listen) > 0:
		return "Listen"
	case len(cfg.Announce) > 0:
		return "Announce"
	case cfg.MDNS:
		return "MDNS"
	case slices.ContainsFunc(cfg.Bootstrap, needsDNS):
		return "Bootstrap"
	}
	return ""
}

func needsDNS(addr ma.Multiaddr) bool {
	return slices.ContainsFunc(addr.Protocols(), func(p ma.Protocol) bool { return strings.HasPrefix(p.Name, "dns") })
}

// addrs returns the addresses of all members that run.
func (c *Cluster) addrs() (addrs []ma.Multiaddr) {
	for _, m := range c.running() {
		addrs = append(addrs, m.Addrs()...)
	}
	return addrs
}

// running returns the members whose nodes have not ended.
func (c *Cluster) running() []*member {
	return slices.DeleteFunc(slices.Clone(c.members), func(m *member) bool {
		select {
		case <-m.Done():
			return true
		default:
			return false
		}
	})
}
