package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/spf13/cobra"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/atomicfile"
	"github.com/citynode/citynode/internal/backup"
	"github.com/citynode/citynode/internal/store"
)

func newStateExport(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "export [CITY] FILE|-",
		Short: "Write a backup of a city to a file",
		Long: `Write all heroes and tombstones that a city holds at one moment, under one digest, to
FILE, or to standard output for -. The file has its name once it is whole, and must not
exist yet. It has no key in it.

Without CITY it is the city of the node that is asked, and with CITY a city that this node
knows. A running city goes on meanwhile; only an admin may: the user who started
the city, and whom run --admin names. A CITY whose store is on this machine, and which does
not run, is read from its folder, and nothing is changed there: the folder may be on a
read-only medium.

It ends after --timeout without progress.`,
		Args: cityAndFile,
		Example: `  citynode state export gotham.backup
  citynode state export gotham - | ssh safe 'cat > gotham.backup'
  citynode state export gotham gotham.backup --data-dir /media/old/gotham`,
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := g.place(cmd, args)
			if err != nil {
				return err
			}
			give := func(w io.Writer) (exportedJSON, error) { return g.exportRunning(cmd, p.city, w) }
			if !p.running {
				give = func(w io.Writer) (exportedJSON, error) { return g.exportFolder(cmd, p.city.name, w) }
			}
			return g.writeBackup(p.file, give)
		},
	}
}

type exportedJSON struct {
	File       string `json:"file"` // "-": standard output
	City       string `json:"city"`
	Network    string `json:"network"`
	Peer       string `json:"peer"`
	Taken      string `json:"taken"` // when the city held just this
	Heroes     uint64 `json:"heroes"`
	Tombstones uint64 `json:"tombstones"`
	Digest     string `json:"digest"`
	Bytes      int64  `json:"bytes"`
}

func toExportedJSON(h backup.Head, w *backup.Writer) exportedJSON {
	return exportedJSON{
		City: h.City, Network: h.Network, Peer: peerText(h.Peer), Taken: timeText(h.Taken),
		Heroes: h.Summary.Heroes, Tombstones: h.Summary.Tombstones, Digest: h.Summary.Digest.String(),
		Bytes: w.Bytes(),
	}
}

// writeBackup writes a backup to a file that is not there yet, or to standard output, and
// tells what is in it.
func (g *globals) writeBackup(file string, give func(io.Writer) (exportedJSON, error)) (err error) {
	var done exportedJSON
	write := func(w io.Writer) (err error) {
		done, err = give(w)
		return err
	}
	if file == "-" {
		err = write(g.stdout)
	} else {
		err = atomicfile.Create(file, 0o600, write)
	}
	if err != nil {
		return exportError(file, err)
	}
	done.File = file
	switch {
	case g.json && file == "-": // the result is the backup
		return writeJSON(g.stderr, done)
	case g.json:
		return g.printJSON(done)
	}
	g.notef("%s of %s: %s, %d dead, digest %s, as of %s: %d bytes", printable(file), done.City,
		counted(done.Heroes, "hero", "heroes"), done.Tombstones, done.Digest, done.Taken, done.Bytes)
	return nil
}

// exportFolder writes what the store of a city holds that does not run.
func (g *globals) exportFolder(cmd *cobra.Command, city string, w io.Writer) (done exportedJSON, err error) {
	h, err := g.holdToRead(cmd, city)
	if err != nil {
		return done, err
	}
	defer h.release()
	r, err := h.openReader()
	if err != nil {
		return done, err
	}
	defer func() {
		if closeErr := r.Close(); err == nil {
			err = closeErr
		}
	}()
	g.tellEnding(city, r.Ending())
	head, err := headOfStore(cmd.Context(), r)
	if err != nil {
		return done, folderError(err)
	}
	b, err := backup.NewWriter(w, head)
	if err != nil {
		return done, err
	}
	if err := g.copyStore(cmd.Context(), r, b, head); err != nil {
		return done, folderError(err)
	}
	return toExportedJSON(head, b), nil
}

// headOfStore reads the whole store to sum it up.
func headOfStore(ctx context.Context, r *store.Reader) (backup.Head, error) {
	of := r.Identity()
	id, err := peer.Decode(of.Peer)
	if err != nil {
		return backup.Head{}, fmt.Errorf("peer of the store: %w", err)
	}
	head := backup.Head{Network: of.Network, City: of.City, Peer: []byte(id), Taken: crdt.StampAt(time.Now())}
	err = r.Entries(ctx, func(p store.Part) error {
		for _, h := range p.Entries.Heroes {
			head.Summary = head.Summary.Plus(crdt.SummaryOf(crdt.HeroRecord(h)))
		}
		for _, t := range p.Entries.Tombstones {
			head.Summary = head.Summary.Plus(crdt.SummaryOf(crdt.TombstoneRecord(t)))
		}
		return nil
	})
	return head, err
}

// copyStore writes all tombstones of a store and then all heroes, each in the order of
// their IDs, in which the store has them.
func (g *globals) copyStore(ctx context.Context, r *store.Reader, b *backup.Writer, head backup.Head) error {
	p := g.newProgress("exported", head.Summary.Heroes+head.Summary.Tombstones)
	defer p.end()
	add := func(e crdt.Entries) error {
		defer func() { p.at(b.Entries()) }()
		return b.Add(e)
	}
	if err := r.Entries(ctx, func(p store.Part) error { return add(crdt.Entries{Tombstones: p.Entries.Tombstones}) }); err != nil {
		return err
	}
	if err := r.Entries(ctx, func(p store.Part) error { return add(crdt.Entries{Heroes: p.Entries.Heroes}) }); err != nil {
		return err
	}
	return b.Close()
}

// tellEnding says where a city did not end cleanly, and what is read then.
func (g *globals) tellEnding(city string, e store.Ending) {
	if e.Clean() {
		return
	}
	g.notef("%s did not end cleanly: all whole records of its log are read, %d bytes of them of its last second; %d torn bytes behind them are left out, of which nothing was acknowledged",
		city, e.Unwitnessed, e.TornBytes)
}
