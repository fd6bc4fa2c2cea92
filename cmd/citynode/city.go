package main

import "github.com/spf13/cobra"

func newCity(g *globals) *cobra.Command {
	return newGroup("city", "Look at cities, bomb and forget them",
		newCityList(g), newCityShow(g), newCityBomb(g), newCityForget(g))
}
