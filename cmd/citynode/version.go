package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// softwareBytesMax is what the wire allows for a program's name.
const softwareBytesMax = 64

func newVersion(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Args:    exactly(),
		Example: "  citynode version\n  citynode version --json",
		RunE: func(*cobra.Command, []string) error {
			v := versions()
			if g.json {
				return g.printJSON(v)
			}
			return g.printf("citynode %s (%s, go-libp2p %s)\n", v.Version, v.Go, v.Libp2p)
		},
	}
}

type versionJSON struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Go       string `json:"go"`
	Libp2p   string `json:"libp2p"`
}

func versions() versionJSON {
	v := versionJSON{Version: "unknown", Go: runtime.Version(), Libp2p: "unknown"}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if info.Main.Version != "" {
		v.Version = info.Main.Version
	}
	for _, dep := range info.Deps {
		if dep.Path == "github.com/libp2p/go-libp2p" {
			v.Libp2p = dep.Version
		}
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			v.Revision = setting.Value
		}
	}
	return v
}

// software is how this program names itself to others.
func software() string {
	name := fmt.Sprintf("citynode/%s", versions().Version)
	return name[:min(len(name), softwareBytesMax)]
}
