package main

import "github.com/spf13/cobra"

func newHero(g *globals) *cobra.Command {
	return newGroup("hero", "Create heroes and give them orders",
		newHeroCreate(g), newHeroList(g), newHeroShow(g), newHeroAssign(g), newHeroRetire(g))
}
