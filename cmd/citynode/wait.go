package main

import "github.com/spf13/cobra"

func newWait(g *globals) *cobra.Command {
	return newGroup("wait", "Wait until the cities are as you want them",
		newWaitConverged(g), newWaitCities(g))
}
