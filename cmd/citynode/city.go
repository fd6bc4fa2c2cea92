package main

import "github.com/spf13/cobra"

func newCity(g *globals) *cobra.Command {
	return newGroup("city", "Look at cities, and bomb them",
		newCityList(g), newCityShow(g), newCityBomb(g))
}
