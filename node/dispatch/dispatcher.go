package dispatch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/protocol"
)

// A Dispatcher is a program's way to the cities of one network: a host of its
// own, a link to the node that it asks, and links to the cities that this node
// looked up. Its methods are safe for concurrent use.
type Dispatcher struct {
	config  Config
	host    host.Host
	network string
	closed  atomic.Bool

	mu     sync.Mutex       // guards node, cities, known
	node   *Link            // to the node that is asked
	cities map[string]*Link // to cities that were looked up, by name; bounded by citiesMax
	known  []Candidate      // nodes to ask where all configured ones fail
}

// citiesMax bounds the links to cities that are kept open. A program that calls
// more cities looks some of them up again.
const citiesMax = 256

// Dial starts a host and connects to the node that is asked: the first
// candidate of the configuration that answers. ctx bounds Dial alone.
//
// The error matches ErrUnreachable if no node answers; it is then a
// *[NoNodeError] where none was named, a *[WrongNetworkError], or an
// *[UnreachableError] that says what is wrong with each. It is a
// *[SeveralNetworksError] where Config.Network must choose.
func Dial(ctx context.Context, config Config) (*Dispatcher, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	config = config.withDefaults()
	h, err := newHost(config)
	if err != nil {
		return nil, err
	}
	d := &Dispatcher{config: config, host: h, network: config.Network, cities: make(map[string]*Link)}
	if err := d.reach(ctx); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// Close ends the host and all streams. Calls and Follows that run end with an
// error, later ones with ErrClosed.
func (d *Dispatcher) Close() error {
	d.closed.Store(true)
	err := d.host.Close() // first, so that nobody who dials holds a link up
	d.mu.Lock()
	links := make([]*Link, 0, 1+len(d.cities))
	for _, l := range d.cities {
		links = append(links, l)
	}
	if d.node != nil {
		links = append(links, d.node)
	}
	d.mu.Unlock()
	for _, l := range links {
		l.Close()
	}
	return err
}

// Network returns the name of the network.
func (d *Dispatcher) Network() string { return d.network }

// Host returns the dispatcher's host, which Close closes.
func (d *Dispatcher) Host() host.Host { return d.host }

// Node returns the link to the node that is asked.
func (d *Dispatcher) Node() *Link {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.node
}

// reach connects to the first candidate that answers, which becomes the node that is
// asked. A node that was asked before is the last candidate. No lock is held while it
// dials, so two may reach at once; the one that ends last decides.
func (d *Dispatcher) reach(ctx context.Context) error {
	if d.closed.Load() {
		return ErrClosed
	}
	candidates, err := d.candidates(ctx)
	d.mu.Lock()
	candidates = append(candidates, d.known...)
	before := d.node
	d.mu.Unlock()
	if len(candidates) == 0 {
		return err
	}
	if before != nil {
		candidates = withLast(candidates, before.Peer().ID)
	}
	failures := make([]error, 0, len(candidates))
	for _, c := range candidates {
		network, err := d.connect(ctx, c, d.network)
		if err == nil {
			if d.network == "" { // in Dial, before anybody else reads it
				d.network = network
			}
			d.ask(c.Peer)
			return nil
		}
		failures = append(failures, err)
	}
	return noneOf(failures)
}

// withLast returns the candidates with those of one peer behind all others.
func withLast(candidates []Candidate, id peer.ID) []Candidate {
	var others, last []Candidate
	for _, c := range candidates {
		if c.Peer.ID == id {
			last = append(last, c)
		} else {
			others = append(others, c)
		}
	}
	return append(others, last...)
}

// ask makes a peer the node that is asked.
func (d *Dispatcher) ask(info peer.AddrInfo) {
	l := d.newLink(info, "the node", "")
	d.mu.Lock()
	before := d.node
	d.node = l
	d.mu.Unlock()
	if before != nil {
		before.Close()
	}
}

// Call runs do with a client on a stream to the city of that name, or to the
// node that is asked if the name is empty (another candidate if that node is
// gone). Requests name the city, so that no other city executes them.
//
// Call runs do again, until ctx ends, while the city is busy or unavailable, and
// a few times if the stream breaks; it looks the city up again if the city is
// not where it was, or another city is there now. So do must be repeatable: the ids of
// its requests are made before Call, and do never bombs (see [Dispatcher.Bomb]). Once a
// peer may have a request, no other that holds the name is given it. The error of do is
// returned as it is.
//
// A city that the node takes for suspect or failed is waited for no longer than two
// seconds, or until then: the error is a *[SilentError].
func (d *Dispatcher) Call(ctx context.Context, city string, do func(*protocol.Client) error) error {
	l, err := d.City(ctx, city)
	if err != nil {
		return err
	}
	err = l.Call(ctx, do)
	if city == "" && errors.Is(err, ErrUnreachable) && ctx.Err() == nil && d.reach(ctx) == nil {
		return d.Node().Call(ctx, do)
	}
	return err
}

// Bomb has a city crash and lose all it knows. It is tried once: an error that
// matches protocol.ErrStreamClosed does not say whether the city crashed.
func (d *Dispatcher) Bomb(ctx context.Context, city string) error {
	l, err := d.City(ctx, city)
	if err != nil {
		return err
	}
	return l.onceUnlessSilent(ctx, func(c *protocol.Client) error { return c.Bomb(ctx) })
}

// City returns the link to the city of that name, which the node looks up, or to
// the node itself if the name is empty. The link stays the dispatcher's.
func (d *Dispatcher) City(ctx context.Context, name string) (*Link, error) {
	if name == "" {
		return d.Node(), nil
	}
	d.mu.Lock()
	l, ok := d.cities[name]
	d.mu.Unlock()
	if ok {
		return l, nil
	}
	info, err := d.find(ctx, name)
	if err != nil {
		return nil, err
	}
	l, surplus := d.keep(name, info)
	if surplus != nil {
		surplus.Close()
	}
	return l, nil
}

// keep returns the link to a city that was just looked up: the one that another
// goroutine made meanwhile, or a new one. It also returns a link to another city
// that is to be closed, where there would be too many.
func (d *Dispatcher) keep(name string, info peer.AddrInfo) (l, surplus *Link) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if l, ok := d.cities[name]; ok {
		return l, nil
	}
	if len(d.cities) >= citiesMax {
		for other, l := range d.cities { // any: whoever calls on it opens a stream again
			delete(d.cities, other)
			surplus = l
			break
		}
	}
	l = d.LinkTo(name, info)
	l.find = func(ctx context.Context) (peer.AddrInfo, error) { return d.find(ctx, name) }
	d.cities[name] = l
	return l, surplus
}

// find returns where a city is.
func (d *Dispatcher) find(ctx context.Context, name string) (peer.AddrInfo, error) {
	var info peer.AddrInfo
	nobody := func() peer.ID { return "" }
	err := d.unlessSilent(ctx, name, nobody, func() {}, func(ctx context.Context) (err error) {
		info, err = d.Lookup(ctx, name)
		return err
	})
	if err != nil {
		return peer.AddrInfo{}, err
	}
	return d.reachedToo(info), nil
}

// reachedToo adds to where the node that is asked says that it is the addresses
// at which the dispatcher has reached it.
func (d *Dispatcher) reachedToo(info peer.AddrInfo) peer.AddrInfo {
	if node := d.Node().Peer(); info.ID == node.ID {
		info.Addrs = append(slices.Clone(node.Addrs), info.Addrs...)
	}
	return info
}

// Lookup asks the node where the city of that name is. If the node cannot be
// reached any more, Lookup asks another candidate. The error matches
// protocol.ErrNotFound if there is no such city.
func (d *Dispatcher) Lookup(ctx context.Context, name string) (peer.AddrInfo, error) {
	info, err := d.Node().Lookup(ctx, name)
	if !errors.Is(err, ErrUnreachable) || ctx.Err() != nil {
		return info, err
	}
	if reachErr := d.reach(ctx); reachErr != nil {
		return peer.AddrInfo{}, fmt.Errorf("look up city %s: %w", name, reachErr)
	}
	return d.Node().Lookup(ctx, name)
}
