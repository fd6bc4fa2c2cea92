package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"os"

	"github.com/spf13/cobra"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/store"
)

func newStateExport(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "export CITY [FILE]",
		Short: "Write what a city's store holds to a file",
		Long: `Write all heroes and tombstones in the store of a city that does not run, as one
map of entries in their canonical encoding (CBOR), to FILE or standard output.
The file must not exist yet.`,
		Args:    oneAndMaybe("CITY"),
		Example: "  citynode state export gotham gotham.cbor\n  citynode state export gotham | wc -c",
		RunE: func(cmd *cobra.Command, args []string) error {
			held, err := g.holdStore(cmd, args[0])
			if err != nil {
				return err
			}
			defer held.release()
			state, err := held.read(cmd.Context())
			if err != nil {
				return err
			}
			encoded := crdt.AppendEntries(nil, allEntries(state))
			return g.writeExport(encoded, args[1:])
		},
	}
}

// read reads the whole store.
func (h *heldStore) read(ctx context.Context) (*crdt.State, error) {
	s, err := h.open()
	if err != nil {
		return nil, err
	}
	state := crdt.NewState()
	err = s.Load(ctx, func(p store.Part) error {
		state.Merge(p.Entries, crdt.NoHorizon)
		return nil
	})
	if closeErr := s.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return nil, folderError(err)
	}
	return state, nil
}

// allEntries returns the entries of the whole state.
func allEntries(s *crdt.State) crdt.Entries {
	e, _, _ := s.Page(0, math.MaxInt)
	return e
}

func (g *globals) writeExport(encoded []byte, file []string) error {
	if len(file) == 0 {
		_, err := g.stdout.Write(encoded)
		return err
	}
	f, err := os.OpenFile(file[0], os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	if _, err = f.Write(encoded); err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return folderError(fmt.Errorf("export: %w", err))
	}
	g.notef("%d bytes written to %s", len(encoded), file[0])
	return nil
}

// readImport reads a file of entries, or standard input.
func readImport(in io.Reader, path string) (crdt.Entries, error) {
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return crdt.Entries{}, fmt.Errorf("import: %w", err)
		}
		defer f.Close()
		in = f
	}
	b, err := io.ReadAll(in)
	if err != nil {
		return crdt.Entries{}, fmt.Errorf("import %s: %w", path, err)
	}
	e, err := crdt.DecodeEntries(b)
	if err != nil {
		return crdt.Entries{}, failf(exitRefused, "import %s: %w", path, err).
			withHint("the file must be one that citynode state export has written")
	}
	return e, nil
}
