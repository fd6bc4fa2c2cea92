package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/citynode/citynode/internal/datadir"
)

func newStateReset(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "reset CITY",
		Short: "Set a city's store aside, so that it starts empty",
		Long: `Set the store of a city that does not run aside: it is renamed, not deleted. The
city keeps its identity, starts empty the next time, and the other cities bring it
what they hold. What it alone held is only in the folder that was set aside. So is
since when it has its name: it starts only where no other city has taken that.`,
		Args:    exactly("CITY"),
		Example: "  citynode state reset gotham",
		RunE: func(cmd *cobra.Command, args []string) error {
			held, err := g.holdStore(cmd, args[0])
			if err != nil {
				return err
			}
			defer held.release()
			aside := filepath.Join(held.folder, datadir.StoreName+"."+time.Now().UTC().Format("20060102T150405.000"))
			if err := os.Rename(held.storeFolder(), aside); err != nil {
				return folderError(fmt.Errorf("reset: %w", err))
			}
			if g.json {
				return g.printJSON(struct {
					Aside string `json:"aside"`
				}{aside})
			}
			g.notef("the store of %s is now %s; delete that once it is not needed", args[0], aside)
			return nil
		},
	}
}
