package dispatch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/protocol"
)

// knownMax is how many cities are remembered to be asked where the node is gone:
// enough for one of them to be there, few enough to look up in no time.
const knownMax = 4

// sources returns who may tell the changes at a location, in this order: the city
// of that name, the node that is asked, any other node that can be reached.
func (d *Dispatcher) sources(location string) []func(context.Context) (source, error) {
	f := &sourceFinder{Dispatcher: d, location: location}
	if location == "" || location == crdt.Home {
		return []func(context.Context) (source, error){f.node, f.other}
	}
	return []func(context.Context) (source, error){f.holder, f.node, f.other}
}

// A sourceFinder finds the sources of one Follow, whose goroutine owns it.
type sourceFinder struct {
	*Dispatcher
	location string
	last     peer.AddrInfo // where the city was found last, for when nobody can look it up
	gone     peer.ID       // the node, if it could not be reached a moment ago
}

// holder returns the city of the location's name.
func (f *sourceFinder) holder(ctx context.Context) (source, error) {
	ctx, cancel := context.WithTimeout(ctx, f.config.DialTimeout)
	defer cancel()
	asked := f.Node().Peer().ID
	found, err := f.findOnce(ctx, f.location)
	// Known for this attempt only: the next one asks the node again.
	f.gone = ""
	if errors.Is(err, ErrUnreachable) {
		f.gone = asked
	}
	switch {
	case err == nil:
		f.last = found
	case f.last.ID == "" || f.last.ID == f.gone:
		return source{}, err
	}
	// This link is only a place to clone from. It opens no stream, so nobody has to
	// close it.
	return f.LinkTo(f.location, f.last).source(), nil
}

// node returns the node that is asked.
func (f *sourceFinder) node(context.Context) (source, error) {
	l := f.Node()
	if l.Peer().ID == f.gone {
		return source{}, unreachable("the node (%s) cannot be reached", f.gone)
	}
	return l.source(), nil
}

// other returns another node, which is asked from now on.
func (f *sourceFinder) other(ctx context.Context) (source, error) {
	if err := f.reach(ctx); err != nil {
		return source{}, err
	}
	return f.Node().source(), nil
}

// findOnce does what find does, without a second attempt, for others may tell
// meanwhile.
func (d *Dispatcher) findOnce(ctx context.Context, name string) (info peer.AddrInfo, err error) {
	node := d.Node()
	err = node.Once(ctx, func(c *protocol.Client) (err error) {
		info, err = lookUp(ctx, c, name)
		return err
	})
	if err != nil {
		return peer.AddrInfo{}, fmt.Errorf("look up city %s: %w", name, err)
	}
	return d.reachedToo(info), nil
}

// source returns the peer of a link as a source. Its clients have streams of their
// own.
func (l *Link) source() source {
	who := l.Peer().ID
	return source{
		peer: who,
		open: func(ctx context.Context) (*protocol.Client, error) { return l.Clone().open(ctx) },
		drop: func() { _ = l.dispatcher.host.Network().ClosePeer(who) }, // whatever that says, the next stream shows it
	}
}

// learnEvery is how often a follow asks which cities there are. Whoever came since has
// not been told of if the node ends before.
const learnEvery = 5 * time.Second

// keepLearning learns of other cities until ctx is done: those that come while a follow
// lasts are to take over as well, and those that went come back elsewhere.
func (d *Dispatcher) keepLearning(ctx context.Context) {
	again := time.NewTicker(learnEvery)
	defer again.Stop()
	for {
		d.learn(ctx)
		select {
		case <-again.C:
		case <-ctx.Done():
			return
		}
	}
}

// learn remembers some cities that the node knows, to be asked where the node and
// all that the configuration names are gone. What cannot be had is left out.
func (d *Dispatcher) learn(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, d.config.DialTimeout)
	defer cancel()
	node := d.Node().Clone()
	defer node.Close()
	var known []Candidate
	_ = node.Once(ctx, func(c *protocol.Client) error {
		lines, err := c.Cities(ctx)
		if err != nil {
			return err
		}
		for _, line := range lines {
			if line.Status != protocol.StatusAlive || peer.ID(line.Peer) == node.Peer().ID || len(known) == knownMax {
				continue
			}
			name := line.Presence.City
			if info, err := lookUp(ctx, c, name); err == nil {
				known = append(known, Candidate{Title: "city " + name, Network: d.network, Peer: info})
			}
		}
		return nil
	})
	// Nobody found is no news: those known from before may still be there.
	if len(known) == 0 {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.known = known
}
