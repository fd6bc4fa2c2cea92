package main

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/citynode/citynode/internal/store"
)

func newStateVerify(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "verify CITY",
		Short: "Read the whole store of a city and check it",
		Long: `Read the whole store of a city that does not run: the checksums of all blocks, and
that each record is what it must be, and that the newest log holds what the file
witness says was on the disk. Nothing is changed, and the folder may be on a read-only
medium. It exits with 1 if anything is damaged.`,
		Args:    exactly("CITY"),
		Example: "  citynode state verify gotham\n  citynode state verify gotham --network lab --json",
		RunE: func(cmd *cobra.Command, args []string) error {
			held, err := g.holdToRead(cmd, args[0])
			if err != nil {
				return err
			}
			defer held.release()
			report, err := store.Verify(held.storeFolder())
			if err != nil {
				return folderError(err)
			}
			g.tellEnding(held.city, report.Ending)
			if err := g.printVerified(toVerifiedJSON(held, report)); err != nil || len(report.Problems) == 0 {
				return err
			}
			return failf(exitFailure, "the store of %s is damaged", args[0]).
				withHint("restore the folder from a copy, or import a backup; or %s, and the other cities bring what they hold",
					stateCommand("reset", store.Identity{City: held.city, Network: held.network}, held.folder))
		},
	}
}

type verifiedJSON struct {
	City       string        `json:"city"`
	Network    string        `json:"network"`
	Folder     string        `json:"folder"`
	Heroes     int           `json:"heroes"`
	Tombstones int           `json:"tombstones"`
	Answers    int           `json:"answers"`
	Outdated   int           `json:"outdated"` // of before a bomb, to be deleted
	TornBytes  int64         `json:"torn_bytes"`
	Witness    witnessJSON   `json:"witness"`
	Problems   []problemJSON `json:"problems"`
}

// witnessJSON is what was on the disk of the newest log, as the store's witness has it.
type witnessJSON struct {
	Log      string `json:"log"`      // empty: there is no witness
	Bytes    int64  `json:"bytes"`    // of the log
	Outdated bool   `json:"outdated"` // the log is gone, and rightly
}

// String tells the same in a few words.
func (w witnessJSON) String() string {
	switch {
	case w.Log == "":
		return "none"
	case w.Outdated:
		return "of an older log, " + w.Log
	}
	return fmt.Sprintf("%d bytes of %s", w.Bytes, w.Log)
}

type problemJSON struct {
	File   string `json:"file"`
	Offset int64  `json:"offset"` // -1: not known
	What   string `json:"what"`
}

func toVerifiedJSON(h *heldStore, r store.Report) verifiedJSON {
	v := verifiedJSON{
		City: r.Identity.City, Network: r.Identity.Network, Folder: h.storeFolder(),
		Heroes: r.Heroes, Tombstones: r.Tombstones, Answers: r.Answers, Outdated: r.Outdated,
		TornBytes: r.Torn.DroppedBytes, Witness: witnessJSON(r.Witness), Problems: []problemJSON{},
	}
	for _, p := range r.Problems {
		v.Problems = append(v.Problems, problemJSON(p))
	}
	return v
}

func (g *globals) printVerified(v verifiedJSON) error {
	if g.json {
		return g.printJSON(v)
	}
	for _, p := range v.Problems {
		at := ""
		if p.Offset >= 0 {
			at = " at offset " + strconv.FormatInt(p.Offset, 10)
		}
		fmt.Fprintf(g.stdout, "damaged: %s%s: %s\n", p.File, at, p.What)
	}
	return g.printFields(
		"city", v.City, "network", v.Network, "folder", v.Folder,
		"heroes", strconv.Itoa(v.Heroes), "tombstones", strconv.Itoa(v.Tombstones), "answers", strconv.Itoa(v.Answers),
		"outdated", strconv.Itoa(v.Outdated), "torn bytes", strconv.FormatInt(v.TornBytes, 10),
		"witness", v.Witness.String(),
		"problems", strconv.Itoa(len(v.Problems)))
}
