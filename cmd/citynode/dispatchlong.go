package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/citynode/citynode/node/dispatch"
)

// errSilence ends a long command that makes no progress.
var errSilence = errors.New("no progress")

// dispatchLong runs do with a way to the cities, for as long as it takes. It ends after
// --timeout in which do has not called alive.
func (g *globals) dispatchLong(cmd *cobra.Command, do func(ctx context.Context, d dispatcher, alive func()) error) error {
	ctx, end := context.WithCancelCause(cmd.Context())
	defer end(nil)
	silence := time.AfterFunc(g.timeout, func() { end(errSilence) })
	defer silence.Stop()
	err := g.dispatchIn(ctx, func(ctx context.Context, d dispatcher) error {
		return do(ctx, d, func() { silence.Reset(g.timeout) })
	})
	if err != nil && errors.Is(err, context.Canceled) && context.Cause(ctx) == errSilence { //nolint:errorlint // it is never wrapped
		return failf(exitTimeout, "no progress for %v (--timeout)", g.timeout)
	}
	return err
}

// cityOrNode returns the link to the city that is meant, or to the node itself where none is
// named, and the city's name.
func (d dispatcher) cityOrNode(ctx context.Context, city cityRef) (*dispatch.Link, string, error) {
	if city != (cityRef{}) {
		return d.cityMeant(ctx, city)
	}
	view, err := d.view(ctx)
	return d.Node(), view.info.City, err
}
