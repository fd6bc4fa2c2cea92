package node

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/bootstrap"
	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/internal/antientropy"
	"github.com/citynode/citynode/internal/durable"
	"github.com/citynode/citynode/internal/membership"
	"github.com/citynode/citynode/internal/names"
	"github.com/citynode/citynode/internal/streams"
	"github.com/citynode/citynode/protocol"
)

// calls answer the calls of the call protocol, one method a function. They hold no state
// of their own but the budgets and the shares of watches, and are called from the goroutine of each stream.
type calls struct {
	network   string
	name      string // the city's
	self      *self
	city      *city.City
	journal   *durable.Writer // nil: nothing is durable
	directory *membership.Directory
	members   *membership.Members
	saved     *bootstrap.Saved
	names     *names.Names
	entropy   *antientropy.AntiEntropy
	budgets   *streams.Budgets
	watches   *streams.Watches
	draining  *draining
	isAdmin   func(peer.ID) bool
	levels    LogLevels // nil: there are none to change
	restarts  func() int
	problems  func() []Problem
	server    *protocol.Server
	logger    *slog.Logger
}

// newCalls gives the calls what they need of the other rooms.
func (n *Node) newCalls() *calls {
	c := &calls{
		network:   n.cfg.Network,
		name:      n.cfg.City.Name,
		self:      n.self,
		city:      n.city,
		journal:   n.journal,
		directory: n.directory,
		members:   n.members,
		saved:     n.saved,
		names:     n.names,
		entropy:   n.entropy,
		budgets:   streams.NewBudgets(),
		watches:   streams.NewWatches(),
		draining:  &n.draining,
		isAdmin:   n.isAdmin,
		levels:    n.cfg.LogLevels,
		restarts:  func() int { return n.supervisor.Restarts(childCity) },
		problems:  n.problems,
		logger:    n.cfg.logger(logCalls),
	}
	c.server = &protocol.Server{
		City: c.name, Handler: c, Logger: n.cfg.logger(logCalls),
		CallerName: func(caller string) string { return peer.ID(caller).String() },
	}
	return c
}

// isAdmin reports whether a peer may bomb the city, and have it forget others. The node itself may: its program
// could do worse. A peer ID is proved by the connection, so nothing else is asked for.
func (n *Node) isAdmin(p peer.ID) bool {
	return p == n.host.ID() || slices.Contains(n.cfg.Admins, p)
}

// serveStream answers the calls of one stream, and logs where its caller is.
func (c *calls) serveStream(ctx context.Context, s network.Stream) error {
	server := *c.server
	server.Logger = server.Logger.With("addr", s.Conn().RemoteMultiaddr().String())
	return server.Serve(ctx, s, string(s.Conn().RemotePeer()))
}

// ServeCall answers one call.
func (c *calls) ServeCall(ctx context.Context, call *protocol.Call) (any, error) {
	body, err := c.serve(ctx, call)
	if city.ReasonOf(err) == city.Busy {
		c.budgets.Repay(call)
	}
	return body, translate(err)
}

// serve judges a call before it looks into the body: what the caller has spent, then
// whether the node still takes orders. So a caller beyond its budget costs this node
// the frame and no more, whatever it asks. An order counts as begun until it is
// answered by the city; writing the reply comes after.
func (c *calls) serve(ctx context.Context, call *protocol.Call) (any, error) {
	if err := c.budgets.Spend(call); err != nil {
		c.budgets.Slow(ctx, call)
		return nil, err
	}
	if protocol.IsOrder(call.Request.Method) {
		end, err := c.draining.order(c.name)
		if err != nil {
			return nil, err
		}
		defer end()
	}
	switch call.Request.Method {
	case protocol.MethodGet:
		return c.get(ctx, call)
	case protocol.MethodCreate:
		return c.create(ctx, call)
	case protocol.MethodAssign:
		return c.assign(ctx, call)
	case protocol.MethodRetire:
		return c.retire(ctx, call)
	case protocol.MethodUpdate:
		return c.update(ctx, call)
	case protocol.MethodWatch:
		return nil, c.watch(ctx, call)
	case protocol.MethodInfo:
		return c.info(ctx)
	case protocol.MethodLookup:
		return c.lookup(ctx, call)
	case protocol.MethodCities:
		return c.cities(ctx, call)
	case protocol.MethodSettle:
		return nil, c.entropy.Settle(ctx, func(line protocol.SettleLine) error { return call.Send(line) })
	case protocol.MethodProblems:
		return c.sendProblems(ctx, call)
	case protocol.MethodForget:
		return c.forget(call)
	case protocol.MethodExport:
		return c.export(ctx, call)
	case protocol.MethodBomb:
		return nil, c.bomb(call)
	case protocol.MethodLog:
		return c.log(call)
	default:
		return nil, protocol.Errorf(protocol.Unsupported, "unknown method %q", call.Request.Method)
	}
}

// translate returns an error with the code that it has on the wire. Package city knows
// no codes; an error without one is answered as internal and tells strangers nothing.
func translate(err error) error {
	refusal, ok := errors.AsType[*city.Refusal](err)
	if !ok {
		return err
	}
	code := map[city.Reason]protocol.Code{
		city.BadRequest:  protocol.BadRequest,
		city.NotFound:    protocol.NotFound,
		city.Dead:        protocol.Dead,
		city.Unavailable: protocol.Unavailable,
		city.Busy:        protocol.Busy,
	}[refusal.Reason]
	return protocol.Errorf(code, "%s", refusal.Message)
}
