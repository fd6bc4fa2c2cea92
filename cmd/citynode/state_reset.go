package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/spf13/cobra"

	"github.com/citynode/citynode/internal/datadir"
	"github.com/citynode/citynode/internal/operator"
	"github.com/citynode/citynode/internal/store"
)

func newStateReset(g *globals) *cobra.Command {
	var agreed consent
	cmd := &cobra.Command{
		Use:   "reset CITY|PEER",
		Short: "Set a city's store aside, so that it starts empty",
		Long: `Set the store of a city that does not run aside: it is renamed, not deleted. The
city keeps its identity, starts empty the next time, and the other cities bring it
what they hold. What it alone held is only in the folder that was set aside. So is
since when it has its name: it starts only where no other city has taken that.

A person is asked first. Where nobody can be asked the city's full id is needed,
which is its peer ID, or --yes.`,
		Args:    exactly("CITY or its PEER"),
		Example: "  citynode state reset gotham\n  citynode state reset gotham --yes",
		RunE: func(cmd *cobra.Command, args []string) error {
			ref, err := parseCityRef(args[0])
			if err != nil {
				return err
			}
			held, err := g.holdStoreOf(cmd, ref)
			if err != nil {
				return err
			}
			defer held.release()
			err = g.agree(agreed, ref.full(), func() (casualty, error) { return held.toReset(), nil })
			if err != nil {
				return err
			}
			aside := filepath.Join(held.folder, datadir.StoreName+"."+time.Now().UTC().Format("20060102T150405.000"))
			if err := os.Rename(held.storeFolder(), aside); err != nil {
				return folderError(fmt.Errorf("reset: %w", err))
			}
			if g.json {
				return g.printJSON(struct {
					Aside string `json:"aside"`
				}{aside})
			}
			g.notef("the store of %s is now %s; delete that once it is not needed", held.city, aside)
			return nil
		},
	}
	agreed.add(cmd)
	return cmd
}

// toReset says what a reset sets aside. The id is not known where the store does not say.
func (h *heldStore) toReset() casualty {
	id := "not known"
	if of, err := store.Whose(h.storeFolder()); err == nil {
		id = of.Peer
	}
	return casualty{"Reset the store of the city", h.city, id, "network " + h.network + ", folder " + h.folder}
}

// holdStoreOf takes the lock of the folder of a city that is named either way.
func (g *globals) holdStoreOf(cmd *cobra.Command, ref cityRef) (*heldStore, error) {
	if !ref.full() {
		return g.holdStore(cmd, ref.name)
	}
	of, err := g.storeOfPeer(cmd, ref.peer)
	if err != nil {
		return nil, err
	}
	g.network = of.Network
	return g.holdStore(cmd, of.City)
}

// storeOfPeer finds the store of a peer: it is in the folder that was named, or else in one
// of those of this user's cities.
func (g *globals) storeOfPeer(cmd *cobra.Command, id peer.ID) (store.Identity, error) {
	named, err := cmd.Flags().GetString("data-dir")
	if err != nil {
		return store.Identity{}, err
	}
	folders := []string{named}
	if named == "" {
		cities, err := operator.Identities(g.network)
		if err != nil {
			return store.Identity{}, err
		}
		folders = folders[:0]
		for _, c := range cities {
			folders = append(folders, filepath.Dir(c.Key))
		}
	}
	for _, folder := range folders {
		of, err := store.Whose(datadir.StorePath(folder))
		if err == nil && of.Peer == id.String() && (g.network == "" || of.Network == g.network) {
			return of, nil
		}
	}
	return store.Identity{}, failf(exitNotFound, "no city of peer %s has a store here", id).
		withHint("see them with citynode key identity; --network and --data-dir must be those that it was run with")
}
