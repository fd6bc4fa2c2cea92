package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/citynode/citynode/node/dispatch"
	"github.com/citynode/citynode/protocol"
)

// pings is how many calls are measured; the first also opens the stream.
const pings = 4

func newPing(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "ping CITY",
		Short: "Measure how long a city takes to answer",
		Long: `Measure how long a city takes to answer: the time to look it up, the time to
connect to it and open a stream, and the best of three calls on that stream.`,
		Args:              exactly("CITY"),
		Example:           "  citynode ping gotham\n  citynode ping gotham --json",
		ValidArgsFunction: g.completeCity,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkCity(args[0]); err != nil {
				return err
			}
			return g.dispatch(cmd, func(ctx context.Context, d dispatcher) error {
				p, err := d.ping(ctx, args[0])
				if err != nil {
					return err
				}
				if g.json {
					return g.printJSON(p)
				}
				return g.printf("%s (%s) answers in %.2f ms; looked up in %.2f ms, connected in %.2f ms\n",
					p.City, p.Peer, p.RTTMS, p.LookupMS, p.ConnectMS)
			})
		},
	}
}

// A pingJSON is what a ping measured, in milliseconds.
type pingJSON struct {
	City      string  `json:"city"`
	Peer      string  `json:"peer"`
	LookupMS  float64 `json:"lookup_ms"`
	ConnectMS float64 `json:"connect_ms"` // with the first call
	RTTMS     float64 `json:"rtt_ms"`     // of one call, the best of three
}

func (d dispatcher) ping(ctx context.Context, name string) (pingJSON, error) {
	begin := time.Now()
	at, err := d.cityNamed(ctx, name)
	if err != nil {
		return pingJSON{}, err
	}
	p := pingJSON{City: name, Peer: at.Peer().ID.String(), LookupMS: millis(time.Since(begin))}
	for i := range pings {
		took, err := timeInfo(ctx, at)
		switch {
		case err != nil:
			return pingJSON{}, fmt.Errorf("ping %s: %w", name, err)
		case i == 0:
			p.ConnectMS = took
		case i == 1 || took < p.RTTMS:
			p.RTTMS = took
		}
	}
	return p, nil
}

// timeInfo returns how many milliseconds one call takes.
func timeInfo(ctx context.Context, at *dispatch.Link) (float64, error) {
	begin := time.Now()
	err := at.Call(ctx, func(c *protocol.Client) error {
		_, err := c.Info(ctx)
		return err
	})
	return millis(time.Since(begin)), err
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
