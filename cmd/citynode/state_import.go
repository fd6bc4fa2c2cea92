package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/store"
)

// importBatch is how many entries are stored with one sync.
const importBatch = 4096

func newStateImport(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "import CITY FILE",
		Short: "Merge a file of entries into a city's store",
		Long: `Merge the heroes and tombstones of a file, which citynode state export has written,
into the store of a city that does not run: what the store has in a greater version
stays, and who is dead stays dead. FILE is - for standard input. A file with
anything wrong in it is refused whole.`,
		Args:    exactly("CITY", "FILE"),
		Example: "  citynode state import gotham gotham.cbor",
		RunE: func(cmd *cobra.Command, args []string) error {
			held, err := g.holdStore(cmd, args[0])
			if err != nil {
				return err
			}
			defer held.release()
			entries, err := readImport(cmd.InOrStdin(), args[1])
			if err != nil {
				return err
			}
			changed, err := held.merge(cmd.Context(), entries)
			if err != nil {
				return err
			}
			return g.printImported(importedJSON{Entries: entries.Len(), Changed: changed})
		},
	}
}

type importedJSON struct {
	Entries int `json:"entries"` // in the file
	Changed int `json:"changed"` // of the store
}

func (g *globals) printImported(i importedJSON) error {
	if g.json {
		return g.printJSON(i)
	}
	g.notef("%d entries read, %d of them new to the store", i.Entries, i.Changed)
	return nil
}

// merge stores those entries that win over what the store has.
func (h *heldStore) merge(ctx context.Context, entries crdt.Entries) (changed int, err error) {
	state, err := h.read(ctx)
	if err != nil {
		return 0, err
	}
	changes := state.Merge(entries, crdt.NoHorizon).Changes
	s, err := h.open()
	if err != nil {
		return 0, err
	}
	for rest := changes; len(rest) > 0 && err == nil; {
		n := min(importBatch, len(rest))
		b := store.Batch{Epoch: s.Epoch()}
		for _, c := range rest[:n] {
			some := c.Entries()
			b.Entries.Append(some)
		}
		err, rest = s.Commit(b), rest[n:]
	}
	if closeErr := s.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return 0, folderError(err)
	}
	return len(changes), nil
}
