package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/protocol"
)

func newWatch(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "watch [CITY]",
		Short: "Print what happens, as it happens",
		Long: `Print what happens to heroes, as it happens: everywhere, as the node hears of it,
or in one city, as the city itself tells it. It ends with Ctrl-C, or when a
--timeout that was given is over, with exit code 0.

With --json each line is {"event","time","id","name","city","health","damage",
"from","to"}; "event" is "assigned", "left", "came", "patrolling", "fought" or
"died". After a gap, what changed in it is told in one step.`,
		Args:              atMostOne,
		Example:           "  citynode watch\n  citynode watch gotham --json\n  citynode watch --timeout 1m",
		ValidArgsFunction: g.completeCity,
		RunE: func(cmd *cobra.Command, args []string) error {
			location := ""
			if len(args) == 1 {
				location = args[0]
				if err := checkCity(location); err != nil {
					return err
				}
			}
			ctx, cancel := cmd.Context(), func() {}
			if cmd.Flags().Changed("timeout") {
				ctx, cancel = context.WithTimeout(ctx, g.timeout)
			}
			defer cancel()
			return g.dispatchIn(ctx, func(ctx context.Context, d *dispatcher) error {
				return g.watch(ctx, d, location)
			})
		},
	}
}

// watch prints changes until ctx ends, which is a good end for a watch that
// began.
func (g *globals) watch(ctx context.Context, d *dispatcher, location string) error {
	finding, cancel := context.WithTimeout(ctx, g.timeout)
	defer cancel()
	at := d.node
	if location != "" {
		var err error
		if at, err = d.city(finding, location); err != nil {
			return err
		}
	}
	w := &watcher{d: d, at: at, location: location, show: newScreen(g), patience: g.timeout}
	err := w.watchOn(ctx)
	switch {
	case ctx.Err() == nil:
		return err
	case w.copy == nil && !errors.Is(ctx.Err(), context.Canceled):
		return fmt.Errorf("watch %s: %w", at.title, ctx.Err())
	}
	return nil
}

// watcher follows one city. It keeps a copy of the state, for a change is told
// by what was before.
type watcher struct {
	d        *dispatcher
	at       *link
	location string // "": all
	show     *screen
	patience time.Duration // how long the city may be silent before it is live
	copy     *crdt.State
	live     bool // since the last attempt began
}

// watchOn watches, and begins again when the city crashes or finds us too
// slow, until it has not been live for as long as patience lasts.
func (w *watcher) watchOn(ctx context.Context) error {
	pause, silent := pauseMin, time.Now()
	for {
		w.live = false
		err := w.watchOnce(ctx)
		if w.live {
			pause, silent = pauseMin, time.Now()
		}
		if ctx.Err() != nil || !w.passing(err) || time.Since(silent) > w.patience {
			return err
		}
		if err := sleep(ctx, jittered(pause)); err != nil {
			return err
		}
		pause = min(2*pause, pauseMax)
	}
}

// passing tells whether it is worth trying again: where the city was seen once,
// also if it cannot be reached just now.
func (w *watcher) passing(err error) bool {
	lost, ok := errors.AsType[*exitError](err)
	gone := ok && lost.code == exitUnreachable && w.copy != nil
	return gone || isPassing(err) || isBroken(err)
}

// watchOnce watches on one stream until it ends: first the changes are asked
// for, then the state, so that none is missed in between.
func (w *watcher) watchOnce(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := time.AfterFunc(w.patience, func() { cancel(context.DeadlineExceeded) })
	defer silence.Stop()
	changes := w.d.newLink(w.at.peer, w.at.title, w.at.city)
	defer changes.close()
	err := changes.once(ctx, func(ctx context.Context, c *protocol.Client) error {
		live := func(crdt.Summary) error {
			silence.Stop()
			return w.catchUp(ctx)
		}
		return c.Watch(ctx, protocol.WatchRequest{Location: w.location}, live, w.take)
	})
	if errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
		return fmt.Errorf("watch %s: %w", w.at.title, context.Cause(ctx))
	}
	return err
}

// catchUp gets the state as it is now. The first time it is only what changes
// are told against; later ones tell what was missed.
func (w *watcher) catchUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, catchUpTimeout)
	defer cancel()
	first := w.copy == nil
	if first {
		w.copy = crdt.NewState()
	}
	state := w.d.newLink(w.at.peer, w.at.title, w.at.city)
	defer state.close()
	err := state.once(ctx, func(ctx context.Context, c *protocol.Client) error {
		_, err := c.Get(ctx, protocol.GetRequest{Location: w.location}, func(page crdt.Entries) error {
			merged := w.copy.Merge(page, crdt.NoHorizon)
			if first {
				return nil
			}
			return w.show.changes(merged.Changes)
		})
		return err
	})
	if err != nil && first {
		w.copy = nil
	}
	w.live = w.live || err == nil
	return err
}

// catchUpTimeout bounds how long a watch may take to get the state, while the
// changes that come meanwhile wait at the city.
const catchUpTimeout = 30 * time.Second

// take tells a change.
func (w *watcher) take(page crdt.Entries) error {
	return w.show.changes(w.copy.Merge(page, crdt.NoHorizon).Changes)
}
