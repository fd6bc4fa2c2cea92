package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/spf13/cobra"

	"github.com/citynode/citynode/protocol"
)

// dispatcher is a command's way to the cities: a host of its own, a link to
// the node that it asks, and links to the cities that this node looked up. It
// is used by one goroutine.
type dispatcher struct {
	host    host.Host
	network string
	node    *link            // to the node that is asked
	cities  map[string]*link // to others, by name
}

// dispatch gives do a way to the cities, within --timeout.
func (g *globals) dispatch(cmd *cobra.Command, do func(context.Context, *dispatcher) error) error {
	ctx, cancel := context.WithTimeout(cmd.Context(), g.timeout)
	defer cancel()
	return g.dispatchIn(ctx, do)
}

// dispatchIn is dispatch with a time of the caller's choice. A signal ends it.
func (g *globals) dispatchIn(ctx context.Context, do func(context.Context, *dispatcher) error) error {
	ctx, stop := signal.NotifyContext(ctx, endSignals...)
	defer stop()
	d, err := g.newDispatcher()
	if err != nil {
		return err
	}
	defer d.close()
	if err := d.reach(ctx, g); err != nil {
		return err
	}
	return do(ctx, d)
}

// endSignals ask a command or a node to end.
var endSignals = []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}

func (g *globals) newDispatcher() (*dispatcher, error) {
	key, err := operatorKey()
	if err != nil {
		return nil, err
	}
	h, err := newDispatchHost(key)
	if err != nil {
		return nil, err
	}
	return &dispatcher{host: h, cities: make(map[string]*link)}, nil
}

// close ends all that the command has opened.
func (d *dispatcher) close() {
	for _, l := range d.cities {
		l.close()
	}
	if d.node != nil {
		d.node.close()
	}
	// The command is over; there is nothing that an error would change.
	_ = d.host.Close()
}

// reach connects to the node that is to be asked: the first candidate that
// answers.
func (d *dispatcher) reach(ctx context.Context, g *globals) error {
	candidates, err := d.candidates(ctx, g)
	if err != nil {
		return err
	}
	failures := make([]error, 0, len(candidates))
	for _, c := range candidates {
		network, err := d.connect(ctx, c, g.network)
		if err == nil {
			d.network = network
			d.node = d.newLink(c.info, "the node", "")
			return nil
		}
		failures = append(failures, err)
	}
	return noNode(failures)
}

// atNode calls the node that is asked, and tries again what it is too busy for.
func (d *dispatcher) atNode(ctx context.Context, do func(context.Context, *protocol.Client) error) error {
	return d.node.call(ctx, do)
}

// city is the link to a city that the node looks up, or to the node itself.
func (d *dispatcher) city(ctx context.Context, name string) (*link, error) {
	if l, ok := d.cities[name]; ok {
		return l, nil
	}
	info, err := d.find(ctx, name)
	if err != nil {
		return nil, err
	}
	l := d.newLink(info, "city "+name, name)
	l.find = func(ctx context.Context) (peer.AddrInfo, error) { return d.find(ctx, name) }
	d.cities[name] = l
	return l, nil
}

// find is lookup, and tells of the node itself where this command has reached it.
func (d *dispatcher) find(ctx context.Context, name string) (peer.AddrInfo, error) {
	info, err := d.lookup(ctx, name)
	if err == nil && info.ID == d.node.peer.ID {
		info.Addrs = append(slices.Clone(d.node.peer.Addrs), info.Addrs...)
	}
	return info, err
}

// lookup asks the node where a city is.
func (d *dispatcher) lookup(ctx context.Context, name string) (peer.AddrInfo, error) {
	return lookupAt(ctx, d.node, name)
}

func lookupAt(ctx context.Context, node *link, name string) (peer.AddrInfo, error) {
	var found peer.AddrInfo
	err := node.call(ctx, func(ctx context.Context, c *protocol.Client) error {
		reply, err := c.Lookup(ctx, name)
		if err != nil {
			return err
		}
		found, err = lookedUp(reply)
		return err
	})
	if err != nil {
		return peer.AddrInfo{}, fmt.Errorf("look up city %s: %w", name, err)
	}
	return found, nil
}

// lookedUp reads the answer to a lookup. Addresses that this version does not
// know are left out.
func lookedUp(reply protocol.LookupReply) (peer.AddrInfo, error) {
	id, err := peer.IDFromBytes(reply.Peer)
	if err != nil {
		return peer.AddrInfo{}, fmt.Errorf("the node gave no valid peer ID: %w", err)
	}
	info := peer.AddrInfo{ID: id}
	for _, b := range reply.Addrs {
		if addr, err := ma.NewMultiaddrBytes(b); err == nil {
			info.Addrs = append(info.Addrs, addr)
		}
	}
	return info, nil
}
