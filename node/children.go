package node

import (
	"context"
	"errors"

	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/streams"
	"github.com/citynode/citynode/internal/supervise"
	"github.com/citynode/citynode/protocol"
)

// The supervised children, in the order in which they start.
const (
	childLog         = "log"
	childRedial      = "redial"
	childMDNS        = "mdns"
	childName        = "name"
	childStreams     = "streams"
	childStore       = "store"
	childCity        = "city"
	childGossip      = "gossip"
	childPresence    = "presence"
	childHealth      = "health"
	childAntiEntropy = "anti-entropy"
	childNames       = "names"
	childTwins       = "twins"
)

// children returns the supervised parts. What comes later relies on what comes
// before: the host is being connected when the city checks its name, and the name
// is advertised once all the rest serves.
func (n *Node) children(syncID, callID libp2pprotocol.ID) []supervise.Child {
	// They end in reverse: the city before the store, which then writes the last of what
	// it did, and streams after the city, so that callers hear of its end.
	children := []supervise.Child{
		{Name: childLog, Start: serving(n.logLimit.Serve)},
		{Name: childRedial, Start: serving(n.redialer.Serve)},
	}
	if n.mdns != nil {
		children = append(children, supervise.Child{Name: childMDNS, Start: serving(n.mdns.Serve)})
	}
	byProtocol := map[libp2pprotocol.ID]streams.Handler{callID: n.calls.serveStream, syncID: n.entropy.Respond, libp2pprotocol.ID(protocol.AliveID(n.cfg.Network)): n.members.Answer}
	children = append(children,
		supervise.Child{Name: childName, Start: n.startName},
		supervise.Child{Name: childStreams, Start: serving(func(ctx context.Context) error {
			// It goes on over crashes of the city, so that callers can be told of them.
			return streams.Serve(ctx, n.host, n.cfg.logger(logCalls), byProtocol)
		})})
	if n.journal != nil {
		children = append(children, supervise.Child{Name: childStore, Start: serving(n.journal.Serve)})
	}
	children = append(children,
		supervise.Child{Name: childCity, Start: n.city.Start},
		supervise.Child{Name: childGossip, Start: serving(n.deltas.Serve)},
		supervise.Child{Name: childPresence, Start: serving(n.members.Serve)},
		supervise.Child{Name: childHealth, Start: serving(n.health.Serve)},
		supervise.Child{Name: childAntiEntropy, Start: serving(n.entropy.Serve)},
		supervise.Child{Name: childNames, Start: serving(n.dht.Serve)},
		supervise.Child{Name: childTwins, Start: serving(n.twins.Serve)},
	)
	for i := range children {
		children[i].StopTimeout = partEndMax
	}
	return children
}

// serving returns the start of a child that needs no preparation.
func serving(serve func(context.Context) error) func(context.Context) (func(context.Context) error, error) {
	return func(context.Context) (func(context.Context) error, error) { return serve, nil }
}

// startName checks the name before anything of the city serves.
func (n *Node) startName(ctx context.Context) (func(context.Context) error, error) {
	n.entropy.Started()
	holder, err := n.names.Claim(ctx)
	if err != nil {
		return nil, err
	}
	if holder != nil {
		return nil, &NameTakenError{Name: n.cfg.City.Name, Holder: *holder}
	}
	return n.names.Serve, nil
}

// observer tells of crashes. A bomb is one that was asked for. It is called in the
// supervisor's goroutine, so the program's callback must not wait.
func (n *Node) observer() supervise.Observer {
	return supervise.Observer{
		Crashed: func(child string, err error, stack []byte) {
			if child == childCity && errors.Is(err, city.ErrBombed) {
				n.cfg.logger(logCity).Warn("city was bombed", "city", n.cfg.City.Name)
			} else {
				n.log.Error("a part crashed and is restarted", "part", child, "err", err, "stack", string(stack))
			}
			n.cfg.Events.crashed(child, err)
		},
		GaveUp: func(err error) { n.log.Error("supervisor gave up", "err", err) },
		Stopped: func(child string, err error) {
			if late, ok := errors.AsType[*supervise.StopError](err); ok {
				n.abandoned(late)
			} else if err != nil {
				n.log.Warn("a part did not stop cleanly", "part", child, "err", err)
			}
		},
	}
}

// cityStarted logs the start of an incarnation, which has read what its store holds.
func (n *Node) cityStarted(incarnation crdt.Stamp) {
	message := "city started from its store"
	if n.journal == nil {
		message = "city started empty; nothing of it is stored"
	}
	n.cfg.logger(logCity).Info(message, "city", n.cfg.City.Name, "incarnation", incarnation.Time())
}

// openCity has the city answer for what it does not know. It judges the clock before
// the first create is possible. Anti-entropy calls it, at most once an incarnation.
func (n *Node) openCity(alone bool) {
	ctx := context.Background() // the city's loop answers at once, or has ended
	n.members.JudgeClock(ctx)
	if _, err := n.city.Do(ctx, city.Open{}); err != nil {
		return // crashed again; the next incarnation opens by itself
	}
	n.cfg.logger(logCity).Info("city is open", "city", n.cfg.City.Name, "alone", alone)
	n.life.readyOnce.Do(func() { close(n.life.ready) })
	n.cfg.Events.opened(alone)
}
