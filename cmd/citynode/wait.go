package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"
)

func newWait(g *globals) *cobra.Command {
	return newGroup("wait", "Wait until the cities are as you want them",
		newWaitConverged(g), newWaitCities(g))
}

// dispatchPatiently is dispatch for commands that wait: a node that cannot be
// reached yet is tried until the time is over.
func (g *globals) dispatchPatiently(cmd *cobra.Command, do func(context.Context, *dispatcher) error) error {
	ctx, cancel := context.WithTimeout(cmd.Context(), g.timeout)
	defer cancel()
	for pause := pauseMin; ; pause = min(2*pause, pauseMax) {
		err := g.dispatchIn(ctx, do)
		unreachable, ok := errors.AsType[*exitError](err)
		if !ok || unreachable.code != exitUnreachable {
			return err
		}
		if sleep(ctx, jittered(pause)) != nil {
			return err
		}
	}
}
