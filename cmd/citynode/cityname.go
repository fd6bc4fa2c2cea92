package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/citynode/citynode/crdt"
)

// checkCity returns a usage error unless name can be a city's.
func checkCity(name string) error {
	if name == crdt.Home {
		return usagef("%q is where heroes without a city are; no city has that name", name)
	}
	if err := crdt.ValidateCityName(name); err != nil {
		return usagef("%q is not the name of a city: %s", name, reason(err)).
			withHint("a city's name is a DNS label: a-z, 0-9 and inner hyphens, at most 63")
	}
	return nil
}

// checkCityFlag returns a usage error if --city was given and cannot be a city's
// name.
func checkCityFlag(cmd *cobra.Command, name string) error {
	if !cmd.Flags().Changed("city") {
		return nil
	}
	return checkCity(name)
}

// reason returns the rule that a name breaks.
func reason(err error) string {
	if invalid, ok := errors.AsType[*crdt.InvalidError](err); ok {
		return invalid.Reason
	}
	return err.Error()
}
