package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/citynode/citynode/node/dispatch"
	"github.com/citynode/citynode/protocol"
)

func newWaitConverged(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "converged",
		Short: "Wait until all cities have what any of them had",
		Long: `Wait until a round of complete syncs between the node and every city that is
alive, begun after this command, has ended without an error. Then every city has
what any of them had when the command began. Entries that were skipped because
their stamps are in the future are counted. Ends with 8 if --timeout is over, and
names each city that was not synced with, and why: also those that are silent, and
those that the node hears only through others and cannot ask.`,
		Args:    exactly(),
		Example: "  citynode wait converged\n  citynode wait converged --timeout 1m --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			begin := time.Now()
			return g.dispatchPatiently(cmd, func(ctx context.Context, d dispatcher) error {
				settled, err := d.converge(ctx)
				if err != nil {
					return err
				}
				settled.Seconds = time.Since(begin).Seconds()
				return g.printSettled(settled)
			})
		},
	}
}

// A settledJSON is the outcome of a settle in which no sync failed.
type settledJSON struct {
	Converged bool    `json:"converged"`
	Cities    int     `json:"cities"`   // alive, beside the node
	Differed  uint64  `json:"differed"` // entries that one side lacked in the last pass
	Skipped   uint64  `json:"skipped"`  // heroes left out for their future stamps
	Seconds   float64 `json:"seconds"`
}

// converge repeats settle until every sync of one succeeds or ctx ends, which
// is an error of exit code 8.
func (d dispatcher) converge(ctx context.Context) (settledJSON, error) {
	var last error
	silent := make(map[string]string)
	for pauses := (dispatch.Backoff{}); ; {
		settled, err := d.settle(ctx, silent)
		switch {
		case err == nil:
			return settled, nil
		case ctx.Err() == nil && !dispatch.Transient(err) && !errors.Is(err, errUnsettled):
			return settledJSON{}, err
		case last == nil || ctx.Err() == nil || errors.Is(err, errUnsettled):
			last = err
		}
		if pauses.Wait(ctx) != nil {
			return settledJSON{}, notConverged(ctx, last)
		}
	}
}

func notConverged(ctx context.Context, last error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	return failf(exitNotConverged, "not converged in time: %w", last)
}

// errUnsettled is matched by the error of a settle in which a sync failed.
var errUnsettled = errors.New("sync failed")

// settle runs one round of syncs between the node and all cities. The error names the
// cities with which one failed, also where the round did not come to its end. They are kept
// in silent, by peer, until a sync with them succeeds: one that is taken for failed
// meanwhile, and left out by the next round, has not converged.
func (d dispatcher) settle(ctx context.Context, silent map[string]string) (settledJSON, error) {
	settled := settledJSON{Converged: true}
	err := d.Node().Once(ctx, func(c *protocol.Client) error {
		return c.Settle(ctx, func(line protocol.SettleLine) error {
			settled.Cities++
			settled.Differed += line.Differed
			settled.Skipped += line.Skipped
			delete(silent, string(line.Peer))
			if line.Error != "" {
				silent[string(line.Peer)] = fmt.Sprintf("%s: %s", line.City, line.Error)
			}
			return nil
		})
	})
	switch {
	case len(silent) > 0:
		failed := slices.Sorted(maps.Values(silent))
		return settledJSON{}, fmt.Errorf("%w with %s", errUnsettled, strings.Join(failed, "\n"))
	case err != nil:
		return settledJSON{}, err
	}
	return settled, nil
}

func (g *globals) printSettled(s settledJSON) error {
	if g.json {
		return g.printJSON(s)
	}
	if s.Cities == 0 {
		return g.printf("converged: no other city is alive\n")
	}
	return g.printf("converged with %s; %s skipped for future stamps\n",
		counted(uint64(s.Cities), "other city", "other cities"), counted(s.Skipped, "hero", "heroes"))
}
