package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/protocol"
)

// completeTimeout is how long a shell waits for names: a person who presses
// the tab key does not wait longer.
const completeTimeout = time.Second

// completer gives words for one argument of a command line.
type completer = func(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective)

// completeCity completes the first argument with the names of cities.
func (g *globals) completeCity(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return g.cityNames(), cobra.ShellCompDirectiveNoFileComp
}

// completeHero completes the first argument with the ids of heroes.
func (g *globals) completeHero(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return g.heroIDs(), cobra.ShellCompDirectiveNoFileComp
}

// completeAssign completes a hero's id, then a city or home.
func (g *globals) completeAssign(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 1 {
		return append(g.cityNames(), crdt.Home), cobra.ShellCompDirectiveNoFileComp
	}
	return g.completeHero(cmd, args, word)
}

// completeCityFlag completes --city of a command.
func (g *globals) completeCityFlag(cmd *cobra.Command) {
	var complete completer = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return g.cityNames(), cobra.ShellCompDirectiveNoFileComp
	}
	if err := cmd.RegisterFlagCompletionFunc("city", complete); err != nil {
		panic(err) // the command has no such flag
	}
}

// cityNames returns the cities alive, or none if no node says.
func (g *globals) cityNames() []string {
	var names []string
	g.quickly(func(ctx context.Context, d dispatcher) error {
		view, err := d.view(ctx)
		for _, line := range view.lines {
			if line.Status == protocol.StatusAlive {
				names = append(names, line.Presence.City)
			}
		}
		return err
	})
	return names
}

// heroIDs returns the ids of the living heroes, each with its name as description.
func (g *globals) heroIDs() []string {
	var ids []string
	g.quickly(func(ctx context.Context, d dispatcher) error {
		got, err := getAt(ctx, d.Node(), protocol.GetRequest{})
		for _, h := range got.sorted() {
			ids = append(ids, h.ID.String()+"\t"+h.Name)
		}
		return err
	})
	return ids
}

// quickly dispatches for a shell that waits. What goes wrong gives no words.
func (g *globals) quickly(do func(context.Context, dispatcher) error) {
	ctx, cancel := context.WithTimeout(context.Background(), completeTimeout)
	defer cancel()
	_ = g.dispatchIn(ctx, do)
}
