package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/citynode/citynode/internal/datadir"
)

// cityAndFile asks for a FILE, and allows a CITY before it.
func cityAndFile(cmd *cobra.Command, args []string) error {
	if len(args) == 1 {
		return nil
	}
	return exactly("CITY", "FILE")(cmd, args)
}

// A statePlace is where the state of a city is, for a command that takes FILE or CITY FILE: with
// the node that runs the city, or in a folder of this machine.
type statePlace struct {
	city    cityRef // without a name: the city of the node that is asked
	file    string
	running bool
}

// place finds where the state is. Without a city it is that of the node. With a city it is
// in the folder that --data-dir names; without that, in the usual one if that has a
// store that no node uses, and else with the city's node.
func (g *globals) place(cmd *cobra.Command, args []string) (p statePlace, err error) {
	p.file = args[len(args)-1]
	named := cmd.Flags().Changed("data-dir")
	if len(args) == 1 {
		if named {
			return p, usagef("--data-dir is the folder of a city, and no CITY is given").
				withHint("give both: %s CITY FILE --data-dir FOLDER", cmd.CommandPath())
		}
		p.running = true
		return p, nil
	}
	if named {
		p.city.name = args[0]
		return p, checkCity(args[0])
	}
	if p.city, err = parseCityRef(args[0]); err != nil {
		return p, err
	}
	if p.city.full() {
		p.running = true
		return p, nil
	}
	p.running, err = g.isElsewhere(cmd, p.city.name)
	return p, err
}

// isElsewhere reports whether the usual folder of a city has no store, or a node uses it.
func (g *globals) isElsewhere(cmd *cobra.Command, city string) (bool, error) {
	h, err := g.theFolder(cmd, city)
	if err != nil || !h.hasStore() {
		return true, err
	}
	lock, _, err := datadir.LockToRead(h.folder)
	if _, runs := errors.AsType[*datadir.LockedError](err); runs {
		return true, nil
	}
	if err != nil {
		return false, folderError(err)
	}
	lock.Release()
	return false, nil
}
