package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/citynode/citynode/internal/datadir"
	"github.com/citynode/citynode/internal/memory"
	"github.com/citynode/citynode/node"
)

func newRun(g *globals) *cobra.Command {
	flags := &runFlags{}
	cmd := &cobra.Command{
		Use:   "run [CITY]",
		Short: "Run a city",
		Long: `Run a city until it is told to stop. CITY_NAME in the environment names it when
the command line does not.

A city that is told no network stays on this machine: it listens on loopback, dials
nobody beyond, and finds the other cities of this user, of the same network, that
run here. --network or --listen opens it: it then listens on all interfaces, unless
--listen says which, looks for others by mDNS, and joins the peers of --bootstrap,
--bootstrap-file, CITYNODE_BOOTSTRAP and, if no file is named, of the list that
citynode bootstrap keeps for the network; those that do not answer are tried again
for ever. A city without peers runs alone.

What the city holds is stored in its folder before it is answered, and is there
again after a crash, in $XDG_STATE_HOME/citynode/NETWORK/CITY unless --data-dir
says where. With --ephemeral only the city's identity is kept.

It ends with SIGINT, SIGTERM or SIGHUP: it says goodbye to the others and exits
with 0, or with 1 after 10 s at most where a part of it hangs, which it names. A
second signal that comes half a second later or more ends it at once, with 1. A
SIGHUP that was ignored when it started, as under nohup, is ignored. It ends with
1 when nobody reads its events any more, with 70 where it crashed so often that its
supervisor gave up. With 5 it ends where the name is taken, or where another process
runs with the same key and has for longer: its folder was copied or restored while
the city ran. It gives that one what it holds first. Events that cannot be written,
as on a full disk, are dropped and counted, and it goes on.

Its log goes to standard error, in one format, each line with its "component":
  node       its start and end, crashes, ports   presence   the other cities
  city       its start; heroes, at debug         sync       anti-entropy
  store      what is written and read            names      its name
  calls      calls of others                     bootstrap  dials, mDNS
  gossip     deltas                              libp2p     off unless named
--log-level sets a level for all of them, or for some: info,gossip=debug. The
first line says who runs: version, peer, addresses, folder, network. It is there
whatever the levels are, but for --quiet and, without info, on a terminal.
citynode log-level changes the levels of a city that runs. With --log-format json
the error with which it ends is a line of JSON too.

With --json the first line is {"event":"ready","time","city","network","peer",
"addrs"}, once it answers; then one line an event, each with "event" and "time":
  what happens to heroes        "assigned", "left", "came", "patrolling",
                                "fought", "died", as in citynode watch, and
                                "source": "self", "caller", "gossip" or "sync"
  "city"                        another city was found or has changed: "city",
                                "peer", "status", "before", "restarted"
  "synced"                      a sync brought something or failed: "city",
                                "peer", "differed", "skipped", "seconds", "error"
  "started", "opened"           this city was started, "incarnation"; knows what
                                its neighbours know, or has none, "alone"
  "reading"                     how much of the store has been read, "records",
                                "done"
  "problem"                     this city or another has a problem, or, "over",
                                has it no more: "code", "city", "peer", "since",
                                "detail"; see citynode status
  "crashed"                     a part crashed and is restarted: "part", "error"
  "unreachable"                 a peer to join cannot be reached: "peer", "error"
  "dropped"                     so many events were lost, for nobody read: "count"
  "stopped"                     the last line`,
		Args: atMostOne,
		Example: "  citynode run gotham\n" +
			"  citynode run gotham --network lab --bootstrap /ip4/192.0.2.1/tcp/4001/p2p/12D3Koo…\n" +
			"  citynode run gotham --listen /ip4/0.0.0.0/tcp/4001 --mdns=false --json",
		RunE: func(cmd *cobra.Command, args []string) error {
			plan, err := flags.plan(cmd, g, args)
			if err != nil {
				return err
			}
			return g.run(cmd.Context(), plan)
		},
	}
	flags.add(cmd)
	return cmd
}

// run runs the city until it is told to stop.
func (g *globals) run(ctx context.Context, plan *runPlan) error {
	defer plan.log.serve()()
	return plan.log.report(g.runLogged(ctx, plan))
}

func (g *globals) runLogged(ctx context.Context, plan *runPlan) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go memory.BoundGarbage(ctx)
	stopOnSignals(plan.log.leaving, plan.log.late, cancel)
	out := newEventPrinter(g, func(err error) { cancel(readerGone(err)) })
	out.quiet, out.warn = plan.quiet, plan.log.warn
	defer out.close()
	n, leave, err := plan.start(ctx, out)
	if err != nil {
		return err
	}
	defer leave()
	plan.log.begin(n, plan.config)
	return g.runNode(ctx, n, plan, out)
}

// readerGone is why a city ends whose events nobody reads any more. It does not match
// EPIPE, with which commands end well whose reader has seen enough. Who closes a terminal
// hangs up, which is as good as a signal, and one comes as well.
func readerGone(err error) error {
	if errors.Is(err, syscall.EIO) {
		return errAsked
	}
	return failf(exitFailure, "nobody reads the events any more, so the city has left: %v", err).
		withHint("write them to a file, or to /dev/null")
}

// runNode runs a node that listens, and tells when it is ready.
func (g *globals) runNode(ctx context.Context, n *node.Node, plan *runPlan, out *eventPrinter) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if plan.ready > 0 {
		late := failf(exitTimeout, "%s is not ready within --timeout", plan.config.City.Name)
		defer time.AfterFunc(plan.ready, func() {
			select {
			case <-n.Ready():
			default:
				cancel(late)
			}
		}).Stop()
	}
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	var err error
	select {
	case err = <-ended:
	case <-n.Ready():
		out.start(readyMessage(time.Now(), plan.config, n))
		err = <-ended
	}
	if late, ok := errors.AsType[*exitError](context.Cause(ctx)); ok && err == nil {
		return late
	}
	if err == nil {
		out.tell(stoppedMessage(time.Now(), plan.config.City.Name))
	}
	return runError(err, plan)
}

// twinError says that another process runs with the city's key, and what to do.
func twinError(twin *node.TwinError, folder string) error {
	return failf(exitRefused, "%v\nit was given what this one held, and goes on; this one stops", twin).
		withHint("if city %s is to move here, stop the other process and start this one again; "+
			"a second city needs a name and a folder of its own, not a copy of %s, whose %s makes both one peer",
			twin.Name, folder, datadir.KeyName)
}

// runError says why a node has ended, for a person.
func runError(err error, plan *runPlan) error {
	if taken, ok := errors.AsType[*node.NameTakenError](err); ok {
		return failf(exitRefused, "the name %s is taken on network %s: %s holds it, at %v",
			taken.Name, plan.config.Network, taken.Holder.ID, taken.Holder.Addrs).
			withHint("choose another name, or another network with --network")
	}
	if twin, ok := errors.AsType[*node.TwinError](err); ok {
		return twinError(twin, plan.config.DataDir)
	}
	if err != nil {
		err = fmt.Errorf("run %s: %w", plan.config.City.Name, err)
	}
	if errors.Is(err, node.ErrGaveUp) {
		return err
	}
	return folderError(err)
}
