package main

import (
	"cmp"
	_ "embed"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/citynode/citynode/protocol"
)

// version is what the Makefile has the linker set: the tag or commit. It is
// empty after go install, where the build information has the version.
var version string

// modulesTable has a line for each module that can be in the binary: path,
// version, licences joined by commas. Written by make notice.
//
//go:embed modules.txt
var modulesTable string

func newVersion(g *globals) *cobra.Command {
	var deps bool
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Print the version, and what else the binary contains",
		Args:    exactly(),
		Example: "  citynode version\n  citynode version --json\n  citynode version --deps",
		RunE: func(*cobra.Command, []string) error {
			v := versions()
			if deps {
				return g.printDeps(v)
			}
			if g.json {
				return g.printJSON(v)
			}
			return g.printf("citynode %s (%s, go-libp2p %s)\n", v.Version, v.Go, v.Libp2p)
		},
	}
	cmd.Flags().BoolVar(&deps, "deps", false, "list the modules in the binary, with versions and licences")
	return cmd
}

type versionJSON struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Go       string `json:"go"`
	Libp2p   string `json:"libp2p"`
}

type moduleJSON struct {
	Path     string   `json:"path"`
	Version  string   `json:"version"`
	Licences []string `json:"licences,omitempty"` // SPDX names; none if they are not known
}

func versions() versionJSON {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{} // built without modules
	}
	return versionsIn(info)
}

// versionsIn reads what the build left in the binary, however little.
func versionsIn(info *debug.BuildInfo) versionJSON {
	v := versionJSON{Version: cmp.Or(version, info.Main.Version, "unknown"), Go: runtime.Version(), Libp2p: "unknown"}
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

func (g *globals) printDeps(v versionJSON) error {
	modules, err := modulesIn(debug.ReadBuildInfo())
	if err != nil {
		return err
	}
	if g.json {
		return g.printJSON(struct {
			versionJSON
			Modules []moduleJSON `json:"modules"`
		}{v, modules})
	}
	t := table{head: []string{"MODULE", "VERSION", "LICENCES"}}
	for _, m := range modules {
		t.add(m.Path, m.Version, cmp.Or(strings.Join(m.Licences, ", "), "unknown"))
	}
	return t.write(g.stdout)
}

// modulesIn returns the modules that a build put into the binary, Go's own code
// first.
func modulesIn(info *debug.BuildInfo, ok bool) ([]moduleJSON, error) {
	if !ok || len(info.Deps) == 0 {
		return nil, errors.New("this binary was built without a list of its modules")
	}
	licences := knownLicences()
	modules := []moduleJSON{{Path: "std", Version: runtime.Version(), Licences: []string{"BSD-3-Clause"}}}
	for _, dep := range info.Deps {
		if dep.Replace != nil {
			dep = dep.Replace
		}
		modules = append(modules, moduleJSON{dep.Path, dep.Version, licences[dep.Path+" "+dep.Version]})
	}
	return modules, nil
}

// knownLicences returns the licences of each "path version" in the table: those
// of another version may be others.
func knownLicences() map[string][]string {
	known := map[string][]string{}
	for line := range strings.Lines(modulesTable) {
		if f := strings.Fields(line); len(f) == 3 {
			known[f[0]+" "+f[1]] = strings.Split(f[2], ",")
		}
	}
	return known
}

// software returns how this program names itself to others.
func software() string {
	name := fmt.Sprintf("citynode/%s", versions().Version)
	return name[:min(len(name), protocol.SoftwareBytesMax)]
}
