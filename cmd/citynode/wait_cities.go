package main

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/citynode/citynode/protocol"
)

// citiesEvery is the pause between two looks at how many cities there are.
const citiesEvery = 100 * time.Millisecond

func newWaitCities(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:     "cities N",
		Short:   "Wait until the node knows that many cities alive, itself included",
		Args:    exactly("the number of cities"),
		Example: "  citynode wait cities 3\n  citynode wait cities 3 --timeout 1m --json",
		RunE: func(cmd *cobra.Command, args []string) error {
			wanted, err := strconv.Atoi(args[0])
			if err != nil || wanted < 1 {
				return usagef("%q is not a number of cities", args[0]).withHint("give a whole number, 1 or more")
			}
			begin := time.Now()
			return g.dispatchPatiently(cmd, func(ctx context.Context, d dispatcher) error {
				view, err := d.waitCities(ctx, wanted)
				if err != nil {
					return err
				}
				return g.printWaited(view, time.Since(begin))
			})
		},
	}
}

// waitCities looks until that many cities are alive, or ctx ends, which is an
// error of exit code 6.
func (d dispatcher) waitCities(ctx context.Context, wanted int) (view, error) {
	alive := 0
	looks := time.NewTicker(citiesEvery)
	defer looks.Stop()
	for {
		v, err := d.view(ctx)
		switch {
		case err == nil:
			if alive = v.count(protocol.StatusAlive); alive >= wanted {
				return v, nil
			}
		case ctx.Err() == nil:
			return view{}, err
		}
		select {
		case <-looks.C:
			continue
		case <-ctx.Done():
		}
		if errors.Is(ctx.Err(), context.Canceled) {
			return view{}, ctx.Err()
		}
		return view{}, failf(exitTimeout, "only %s alive, not %d", counted(uint64(alive), "city is", "cities are"), wanted)
	}
}

type waitedJSON struct {
	Alive   int      `json:"alive"`
	Cities  []string `json:"cities"`
	Seconds float64  `json:"seconds"`
}

func (g *globals) printWaited(v view, took time.Duration) error {
	w := waitedJSON{Cities: []string{}, Seconds: took.Seconds()}
	for _, line := range v.lines {
		if line.Status == protocol.StatusAlive {
			w.Cities = append(w.Cities, line.Presence.City)
		}
	}
	w.Alive = len(w.Cities)
	if g.json {
		return g.printJSON(w)
	}
	return g.printf("%s alive\n", counted(uint64(w.Alive), "city is", "cities are"))
}
