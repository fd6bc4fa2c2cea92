package main

import (
	"runtime/debug"
	"slices"
	"strings"
	"testing"
)

func TestTheVersionIsTheLinkersElseTheModules(t *testing.T) {
	released := &debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}}
	for _, c := range []struct {
		linked string
		info   *debug.BuildInfo
		want   string
	}{
		{"v1.2.3-4-gabcdef", released, "v1.2.3-4-gabcdef"},
		{"", released, "v1.2.3"},
		{"", &debug.BuildInfo{}, "unknown"}, // neither modules nor version control
	} {
		version = c.linked
		if got := versionsIn(c.info); got.Version != c.want || got.Go == "" || got.Libp2p != "unknown" {
			t.Errorf("%+v, want %s", got, c.want)
		}
	}
	version = ""
}

func TestABinaryWithoutAListOfModulesSaysSo(t *testing.T) {
	for _, info := range []*debug.BuildInfo{nil, {}} {
		if modules, err := modulesIn(info, info != nil); err == nil {
			t.Errorf("modules %v", modules)
		}
	}
}

func TestLicencesAreThoseOfTheVersionInTheBinary(t *testing.T) {
	path, rest, _ := strings.Cut(modulesTable, " ")
	known, _, _ := strings.Cut(rest, " ")
	modules, err := modulesIn(&debug.BuildInfo{Deps: []*debug.Module{
		{Path: path, Version: known},
		{Path: path, Version: "v999.0.0"},
		{Path: path, Version: known, Replace: &debug.Module{Path: "example.org/fork", Version: "v1.0.0"}},
	}}, true)
	if err != nil || len(modules) != 4 {
		t.Fatalf("%v, %v", modules, err)
	}
	if len(modules[1].Licences) == 0 || modules[2].Licences != nil || modules[3].Path != "example.org/fork" || modules[3].Licences != nil {
		t.Errorf("got %+v", modules)
	}
}

func TestEveryModuleInThisBinaryHasALicence(t *testing.T) {
	info, ok := debug.ReadBuildInfo()
	if !ok || len(info.Deps) == 0 {
		t.Skip("a test binary without build information")
	}
	known := knownLicences()
	for _, dep := range info.Deps {
		if known[dep.Path+" "+dep.Version] == nil && !slices.Contains(onlyInTests, dep.Path) {
			t.Errorf("%s %s is not in modules.txt: run make notice", dep.Path, dep.Version)
		}
	}
}

// onlyInTests are the modules that tests of this package import and the program
// does not.
var onlyInTests = []string{"go.uber.org/goleak", "pgregory.net/rapid"}
