package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/backup"
	"github.com/citynode/citynode/protocol"
)

// A begunError hides what ended an export of which some was written: it must not be tried
// again, whatever the cause.
type begunError struct{ err error }

func (e *begunError) Error() string { return e.err.Error() }

// exportRunning writes what a running city holds.
func (g *globals) exportRunning(cmd *cobra.Command, city cityRef, w io.Writer) (done exportedJSON, err error) {
	err = g.dispatchLong(cmd, func(ctx context.Context, d dispatcher, alive func()) error {
		at, _, err := d.cityOrNode(ctx, city)
		if err != nil {
			return err
		}
		alive()
		err = at.Call(ctx, func(c *protocol.Client) error {
			done, err = d.export(ctx, c, w, alive)
			return err
		})
		if begun, ok := errors.AsType[*begunError](err); ok {
			err = begun.err
		}
		return adminError("export", err)
	})
	return done, err
}

// export writes the state of a city. Each page is written as it comes.
func (d dispatcher) export(ctx context.Context, c *protocol.Client, w io.Writer, alive func()) (exportedJSON, error) {
	var head backup.Head
	var b *backup.Writer
	var p *progress
	begin := func(cut protocol.ExportCut) (err error) {
		head = backup.Head{Network: cut.Network, City: cut.City, Peer: cut.Peer, Taken: cut.Taken, Summary: cut.Summary}
		p = d.g.newProgress("exported", cut.Summary.Heroes+cut.Summary.Tombstones)
		b, err = backup.NewWriter(w, head)
		return err
	}
	err := c.Export(ctx, begin, func(e crdt.Entries) error {
		alive()
		defer func() { p.at(b.Entries()) }()
		return b.Add(e)
	})
	if p != nil {
		p.end()
	}
	if err == nil {
		err = b.Close()
	}
	switch {
	case err == nil:
		return toExportedJSON(head, b), nil
	case p != nil:
		return exportedJSON{}, &begunError{err}
	}
	return exportedJSON{}, err
}

// adminError says what to do where only an admin may.
func adminError(what string, err error) error {
	if !errors.Is(err, protocol.ErrForbidden) {
		return err
	}
	return failf(exitRefused, "%s: %w", what, err).
		withHint("name this command's peer with run --admin; citynode key identity prints it")
}

// exportError says what to do about a file that cannot be written.
func exportError(file string, err error) error {
	switch _, said := errors.AsType[*exitError](err); {
	case said:
		return err
	case errors.Is(err, fs.ErrExist):
		return failf(exitFailure, "export: %s exists, and is left as it is", file).withHint("give another name")
	case errors.Is(err, fs.ErrNotExist):
		return failf(exitNotFound, "export: there is no folder %s", filepath.Dir(file))
	}
	if _, answered := errors.AsType[*protocol.Error](err); answered {
		return err
	}
	return writeError(fmt.Errorf("export: %w", err), "another FILE")
}
