package main

import (
	"context"
	"errors"
	"strconv"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/spf13/cobra"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/datadir"
	"github.com/citynode/citynode/internal/store"
)

// importFlags are the flags of an import.
type importFlags struct {
	agreed consent
	fresh  bool   // --new
	from   string // --from-network
}

func newStateImport(g *globals) *cobra.Command {
	var f importFlags
	cmd := &cobra.Command{
		Use:   "import [CITY] FILE|-",
		Short: "Merge a backup into a city",
		Long: `Merge the heroes and tombstones of a backup, which citynode state export has written,
into a city: what the city has in a greater version stays, and who is dead stays dead. FILE
is - for standard input. The file is read through first, and one with anything wrong in
it is refused whole. An import that was broken off may be begun anew.

Where the state is, is found as for state export: without CITY, and for a CITY that
runs, it goes through the node, as fast as that takes it, and from there to all other
cities. That cannot be undone, so a person is asked first; where nobody can be asked it
needs --yes, or the city's peer ID for CITY. What the city does not take is counted, and
the command ends with 1 then: heroes that are stamped more than 60 s ahead of its clock,
and heroes that it has no room for.

A CITY that does not run takes it into the store in its folder. With --new that folder has
no store yet, and may not be there: it is made. A key that lies in it is kept; without one
the city becomes a new peer.

A backup of another network is refused, unless --from-network names that.`,
		Args: cityAndFile,
		Example: `  citynode state import gotham gotham.backup --new
  citynode state import gotham.backup --yes
  citynode state import lab-copy gotham.backup --new --network lab --from-network main`,
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := g.importPlace(cmd, args, f)
			if err != nil {
				return err
			}
			b, err := openBackup(p.file, g.stdin)
			if err != nil {
				return err
			}
			defer b.close()
			done, err := g.importTo(cmd, p, b, f)
			if err != nil {
				return err
			}
			return g.printImported(done)
		},
	}
	f.agreed.add(cmd)
	cmd.Flags().BoolVar(&f.fresh, "new", false, "make the store in the folder of a CITY that has none")
	cmd.Flags().StringVar(&f.from, "from-network", "", "the network that the backup is of, where that is another")
	return cmd
}

// importPlace finds where the state goes. With --new it goes to a folder.
func (g *globals) importPlace(cmd *cobra.Command, args []string, f importFlags) (p statePlace, err error) {
	if !f.fresh {
		return g.place(cmd, args)
	}
	if len(args) == 1 {
		return p, usagef("--new makes the store of a city, and no CITY is given")
	}
	return statePlace{city: cityRef{name: args[0]}, file: args[1]}, checkCity(args[0])
}

func (g *globals) importTo(cmd *cobra.Command, p statePlace, b *backupFile, f importFlags) (importedJSON, error) {
	if p.running {
		return g.importRunning(cmd, p.city, b, f)
	}
	h, s, err := g.storeToFill(cmd, p.city.name, b, f)
	if err != nil {
		return importedJSON{}, err
	}
	defer h.release()
	done, err := g.fillStore(cmd.Context(), s, b)
	if closeErr := s.Close(); err == nil {
		err = closeErr
	}
	done.City, done.Network = h.city, h.network
	return done, folderError(err)
}

type importedJSON struct {
	File    string `json:"file"` // "-": standard input
	City    string `json:"city"`
	Network string `json:"network"`
	Entries uint64 `json:"entries"` // in the file
	Changed uint64 `json:"changed"` // of the city's
	// What the city has left out: heroes that are stamped in the future, and what it has no
	// room for.
	SkippedFuture uint64 `json:"skipped_future"`
	SkippedFull   uint64 `json:"skipped_full"`
	DigestBefore  string `json:"digest_before"`
	DigestAfter   string `json:"digest_after"`
}

// printImported prints what an import did. It fails if some of the backup was left out.
func (g *globals) printImported(i importedJSON) error {
	if g.json {
		if err := g.printJSON(i); err != nil {
			return err
		}
	} else {
		g.notef("%d entries read, %d of them new to %s: digest %s before, %s after",
			i.Entries, i.Changed, i.City, i.DigestBefore, i.DigestAfter)
	}
	switch {
	case i.SkippedFull > 0:
		return failf(exitFailure, "city %s is full, and has left out %d entries%s", i.City, i.SkippedFull, andFuture(i.SkippedFuture)).
			withHint("run it with a greater --max-entries, and import again")
	case i.SkippedFuture > 0:
		return failf(exitFailure, "city %s has left out %s that are stamped ahead of its clock", i.City, counted(i.SkippedFuture, "hero", "heroes")).
			withHint("see that its clock is right, and import again when theirs is reached")
	}
	return nil
}

func andFuture(n uint64) string {
	if n == 0 {
		return ""
	}
	return " and " + strconv.FormatUint(n, 10) + " that are stamped ahead of its clock"
}

// checkNetworkOf refuses a backup of another network: what is imported cannot be taken
// back, and goes to all cities.
func (f importFlags) checkNetworkOf(b *backupFile, network string) error {
	if want := network; b.head.Network == want || b.head.Network == f.from {
		return nil
	}
	return failf(exitRefused, "import %s: it is of city %s of network %s, and not of %s", b.name, b.head.City, b.head.Network, network).
		withHint("if that is meant, add --from-network %s", b.head.Network)
}

// storeToFill opens the store of a city that does not run, or makes it.
func (g *globals) storeToFill(cmd *cobra.Command, city string, b *backupFile, f importFlags) (*heldStore, *store.Store, error) {
	h, err := g.theFolder(cmd, city)
	if err != nil {
		return nil, nil, err
	}
	if err := f.checkNetworkOf(b, h.network); err != nil {
		return nil, nil, err
	}
	if f.fresh {
		return g.makeStore(h, b)
	}
	if h, err = g.holdStore(cmd, city); err != nil {
		if e, ok := errors.AsType[*exitError](err); ok && e.code == exitNotFound {
			err = e.withHint("for a city that is not there yet add --new")
		}
		return nil, nil, err
	}
	s, err := h.open()
	if err != nil {
		h.release()
		return nil, nil, err
	}
	return h, s, nil
}

// makeStore makes a store in the folder of a city, and the folder and a key where there is
// none.
func (g *globals) makeStore(h *heldStore, b *backupFile) (*heldStore, *store.Store, error) {
	if h.hasStore() {
		return nil, nil, failf(exitRefused, "import: %s has a store already", h.folder).
			withHint("without --new the backup is merged into it")
	}
	folder, err := datadir.Open(datadir.Config{Path: h.folder, Network: h.network, City: h.city})
	if locked, ok := errors.AsType[*datadir.LockedError](err); ok {
		return nil, nil, cityRuns(locked, h.network, h.city)
	}
	if err != nil {
		return nil, nil, folderError(err)
	}
	h.lock = folder.Lock()
	if id, err := peer.IDFromPrivateKey(folder.Identity); err == nil && string(id) != string(b.head.Peer) {
		g.notef("%s is peer %s, and the backup is of %s of peer %s: heroes under its orders do not patrol until they are assigned anew",
			h.city, id, b.head.City, peerText(b.head.Peer))
	}
	return h, folder.Store, nil
}

// fillStore stores those entries of a backup that win over what the store has.
func (g *globals) fillStore(ctx context.Context, s *store.Store, b *backupFile) (done importedJSON, err error) {
	state := crdt.NewState()
	err = s.Load(ctx, func(p store.Part) error {
		state.Merge(p.Entries, crdt.NoHorizon)
		return nil
	})
	if err != nil {
		return done, err
	}
	done = importedJSON{File: b.name, Entries: b.entries(), DigestBefore: state.Summary().Digest.String()}
	p, read := g.newProgress("imported", done.Entries), uint64(0)
	defer p.end()
	err = b.pages(func(e crdt.Entries) error {
		batch := store.Batch{Epoch: s.Epoch()}
		changes := state.Merge(e, crdt.NoHorizon).Changes
		for _, c := range changes {
			batch.Entries.Append(c.Entries())
		}
		done.Changed += uint64(len(changes))
		read += uint64(e.Len())
		p.at(read)
		return errors.Join(ctx.Err(), s.Commit(batch))
	})
	done.DigestAfter = state.Summary().Digest.String()
	return done, err
}
