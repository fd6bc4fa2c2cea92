package main

import (
	"cmp"
	"context"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

func newCityShow(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "show CITY",
		Short: "Show one city",
		Long: `Show one city: what the node knows of it, and what it says itself. Where several
peers claim its name the one shown is that which calls by the name reach, and
"contested" lists the others.`,
		Args:              exactly("CITY"),
		Example:           "  citynode city show gotham\n  citynode city show gotham --json",
		ValidArgsFunction: g.completeCity,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkCity(args[0]); err != nil {
				return err
			}
			return g.dispatch(cmd, func(ctx context.Context, d dispatcher) error {
				c, err := d.showCity(ctx, args[0])
				if err != nil {
					return err
				}
				return g.printCity(c)
			})
		},
	}
}

// showCity returns the city of that name: the holder that a lookup prefers if it is
// alive, else what the node remembers of one.
func (d dispatcher) showCity(ctx context.Context, name string) (cityJSON, error) {
	view, err := d.view(ctx)
	if err != nil {
		return cityJSON{}, err
	}
	if remembered, ok := view.gone(name); ok {
		return remembered, nil
	}
	info, err := d.Lookup(ctx, name)
	if err != nil {
		return cityJSON{}, d.withSimilarCities(ctx, name, err)
	}
	c, ok := view.holder(name, info.ID)
	if ok {
		c = d.withDetails(ctx, []cityJSON{c})[0]
	} else if c, err = d.unlistedCity(ctx, name); err != nil {
		return cityJSON{}, err
	}
	if c.Contested = view.claimants(c); len(c.Contested) > 0 {
		// A lookup may take a second, in which a claimant may have left.
		if view, err = d.view(ctx); err != nil {
			return cityJSON{}, err
		}
		c.Contested = view.claimants(c)
	}
	return c, nil
}

func (g *globals) printCity(c cityJSON) error {
	if g.json {
		return g.printJSON(c)
	}
	restarts := "not known"
	if c.Restarts != nil {
		restarts = strconv.FormatUint(*c.Restarts, 10)
	}
	fields := []string{
		"name", c.Name,
		"peer", c.Peer,
		"status", c.standing(),
		"addresses", strings.Join(c.Addrs, " "),
		"heroes", strconv.FormatUint(c.Heroes, 10),
		"tombstones", strconv.FormatUint(c.Tombstones, 10),
		"digest", c.Digest,
		"since", c.Since,
		"incarnation", c.Incarnation,
		"restarts", restarts,
		"as of", c.figuresOf(),
		"agrees", yesNoUnknown(c.Agrees),
		"agreed at", cmp.Or(c.AgreedAt, "never"),
		"round trip", c.roundTrip(),
	}
	if len(c.Contested) > 0 {
		fields = append(fields, "contested", "claimed too by "+strings.Join(c.Contested, " "))
	}
	return g.printFields(fields...)
}
