package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/citynode/citynode/internal/operator"
	"github.com/citynode/citynode/node/dispatch"
)

// A dispatcher is a command's way to the cities.
type dispatcher struct {
	*dispatch.Dispatcher
	g *globals // the flags of the command
}

// dispatch runs do with a way to the cities, within --timeout.
func (g *globals) dispatch(cmd *cobra.Command, do func(context.Context, dispatcher) error) error {
	ctx, cancel := context.WithTimeout(cmd.Context(), g.timeout)
	defer cancel()
	return g.dispatchIn(ctx, do)
}

// dispatchPatiently runs do with a way to the cities, for commands that wait: a
// node that cannot be reached yet is tried until the time is over.
func (g *globals) dispatchPatiently(cmd *cobra.Command, do func(context.Context, dispatcher) error) error {
	ctx, cancel := context.WithTimeout(cmd.Context(), g.timeout)
	defer cancel()
	for pauses := (dispatch.Backoff{}); ; {
		err := g.dispatchIn(ctx, do)
		if !errors.Is(err, dispatch.ErrUnreachable) || pauses.Wait(ctx) != nil {
			return err
		}
	}
}

// dispatchIn runs do with a way to the cities, until ctx ends or a signal comes.
func (g *globals) dispatchIn(ctx context.Context, do func(context.Context, dispatcher) error) error {
	ctx, stop := signal.NotifyContext(ctx, heeded()...)
	defer stop()
	key, err := g.callerKey()
	if err != nil {
		return err
	}
	named := g.namedNode()
	d, err := dispatch.Dial(ctx, dispatch.Config{
		Network:    g.network,
		Identity:   key,
		Candidates: named.candidates,
		MDNS:       named.address == "" && !mdnsOff(),
		Software:   software(),
		Patience:   g.timeout,
	})
	if err != nil {
		return g.dialError(err)
	}
	defer closeDispatcher(d)
	return g.dialError(do(ctx, dispatcher{d, g}))
}

// dispatcherCloseMax is how long a host may take to close: far beyond what it needs.
const dispatcherCloseMax = 2 * time.Second

// closeDispatcher closes the host of a command that is over: an error would change nothing,
// and one that hangs ends with the process.
func closeDispatcher(d *dispatch.Dispatcher) {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		_ = d.Close()
	}()
	select {
	case <-closed:
	case <-time.After(dispatcherCloseMax):
	}
}

// envMDNS, set to "off", keeps every command from sending multicast.
const envMDNS = "CITYNODE_MDNS"

// mdnsOff reports whether multicast is not to be sent.
func mdnsOff() bool {
	switch strings.ToLower(os.Getenv(envMDNS)) {
	case "off", "false", "no", "0":
		return true
	}
	return false
}

// dialError says what to do where no node could be asked. It returns any other
// error as it is.
func (g *globals) dialError(err error) error {
	if _, said := errors.AsType[*exitError](err); said {
		return err
	}
	if several, ok := errors.AsType[*dispatch.SeveralNetworksError](err); ok {
		if several.Node != "" {
			return usagef("%w", err).withHint("choose one with --network NAME")
		}
		return usagef("%w", err).withHint("choose one with --network NAME, or a node with --node")
	}
	if !errors.Is(err, dispatch.ErrUnreachable) {
		return err
	}
	e := failf(exitUnreachable, "%w", err)
	if other, ok := errors.AsType[*dispatch.WrongNetworkError](err); ok {
		return e.withHint("ask for its network with --network %s", other.Speaks[0])
	}
	none, ok := errors.AsType[*dispatch.NoNodeError](err)
	switch {
	case !ok:
		return e
	}
	if others := otherNodes(); len(others) > 0 {
		return failf(exitUnreachable, "%w; but these nodes of this user are listed elsewhere:\n%s", err, strings.Join(others, "\n")).
			withHint("ask one with --node, or set %s as it was where the node was started", operator.ChosenBy(operator.EnvRuntimeDir))
	}
	return e.withHint("start one with %s, or name one with --node", commandOf("run CITY", none.Network))
}
