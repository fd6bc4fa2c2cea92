package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/citynode/citynode/internal/logging"
	"github.com/citynode/citynode/node"
	"github.com/citynode/citynode/protocol"
)

func newLogLevel(g *globals) *cobra.Command {
	var city string
	cmd := &cobra.Command{
		Use:   "log-level [[COMPONENT=]LEVEL]",
		Short: "Show or change what a city logs",
		Long: `Show from which level on each component of a city that runs is logged, or change
it: LEVEL (debug, info, warn, error, off) is that of all components,
COMPONENT=LEVEL that of one; several, with commas between them, count in their
order. libp2p is off unless it is named. It holds until the city ends; run
--log-level says what it starts with, and run --help what the components log.
Only an admin may: the user who started the city, and whom run --admin names.

It is the city of the node that is asked, unless --city names another.`,
		Args: atMostOne,
		Example: "  citynode log-level\n  citynode log-level debug\n" +
			"  citynode log-level info,gossip=debug --city gotham",
		RunE: func(cmd *cobra.Command, args []string) error {
			request := protocol.LogRequest{Levels: strings.Join(args, "")}
			if err := checkLevels(args); err != nil {
				return err
			}
			if city != "" {
				if err := checkCity(city); err != nil {
					return err
				}
			}
			return g.dispatch(cmd, func(ctx context.Context, d dispatcher) error {
				reply, err := d.log(ctx, city, request)
				if err != nil {
					return err
				}
				return g.printLevels(reply)
			})
		},
	}
	cmd.Flags().StringVar(&city, "city", "", "the city whose log it is (default: that of the node)")
	_ = cmd.RegisterFlagCompletionFunc("city", g.completeCity)
	return cmd
}

// checkLevels refuses levels that no city of this version can read.
func checkLevels(args []string) error {
	for _, arg := range args {
		if err := newLevels().Apply(arg); err != nil {
			return usagef("%w", err).withHint("citynode log-level info,gossip=debug")
		}
	}
	return nil
}

// newLevels returns what a city logs that is told nothing: libp2p's own log is off, for
// what goes wrong there comes back as errors.
func newLevels() *logging.Levels {
	return logging.NewLevels(logLevelDefault, node.LogComponents(), offByDefault)
}

type logLevelsJSON struct {
	Levels     string   `json:"levels"`
	Components []string `json:"components"`
}

func (g *globals) printLevels(r protocol.LogReply) error {
	if g.json {
		return g.printJSON(logLevelsJSON(r))
	}
	return g.printFields("levels", r.Levels, "components", strings.Join(r.Components, ", "))
}

// log asks for the levels of a city's log, or changes them.
func (d dispatcher) log(ctx context.Context, city string, r protocol.LogRequest) (reply protocol.LogReply, err error) {
	err = d.Call(ctx, city, func(c *protocol.Client) (err error) {
		reply, err = c.Log(ctx, r)
		return err
	})
	if errors.Is(err, protocol.ErrForbidden) {
		return reply, failf(exitRefused, "%w", err).
			withHint("name this command's peer with run --admin; citynode key identity prints it")
	}
	if err != nil {
		return reply, fmt.Errorf("log levels: %w", err)
	}
	return reply, nil
}
