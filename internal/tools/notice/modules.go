package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// builds are the systems whose binaries are looked at, and whether with cgo:
// Pebble has another zstd then.
var builds = []struct{ system, processor, cgo string }{
	{"linux", "amd64", "1"},
	{"linux", "amd64", "0"},
	{"linux", "386", "0"},
	{"linux", "arm", "0"},
	{"linux", "arm64", "0"},
	{"darwin", "amd64", "1"},
	{"darwin", "arm64", "0"},
	{"windows", "amd64", "0"},
	{"freebsd", "amd64", "0"},
}

// A module is code of other people in the binary.
type module struct {
	path, version string
	dir           string          // in the module cache
	folders       map[string]bool // of its packages in the binary, and those above them
	licences      []string        // their SPDX names, in order
	texts         []text
}

// standardLibrary is the name of Go's own code. Its version is that of whoever
// builds.
const standardLibrary = "std"

// modulesOf returns the modules in the binary of a package, in the order of
// their paths, Go's own first.
func modulesOf(ctx context.Context, pkg string) ([]module, error) {
	found := map[string]*module{}
	for _, b := range builds {
		list := exec.CommandContext(ctx, "go", "list", "-deps", "-json=Dir,Module,Standard", pkg)
		list.Env = append(os.Environ(), "GOOS="+b.system, "GOARCH="+b.processor, "CGO_ENABLED="+b.cgo)
		list.Stderr = os.Stderr
		out, err := list.Output()
		if err != nil {
			return nil, fmt.Errorf("go list for %s/%s: %w", b.system, b.processor, err)
		}
		if err := addListed(found, out); err != nil {
			return nil, err
		}
	}
	root, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return nil, err
	}
	dir := strings.TrimSpace(string(root))
	sorted := slices.SortedFunc(maps.Values(found), func(a, b *module) int { return cmp.Compare(a.path, b.path) })
	modules := []module{{path: standardLibrary, dir: dir, folders: map[string]bool{dir: true}}}
	for _, m := range sorted {
		modules = append(modules, *m)
	}
	return modules, nil
}

// addListed adds the modules that go list has written.
func addListed(found map[string]*module, out []byte) error {
	packages := json.NewDecoder(bytes.NewReader(out))
	for {
		var p struct {
			Dir      string
			Standard bool
			Module   *struct {
				Path, Version, Dir string
				Main               bool
				Replace            *struct{ Path string }
			}
		}
		err := packages.Decode(&p)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case p.Standard || p.Module.Main:
			continue
		case p.Module.Replace != nil:
			return fmt.Errorf("%s is replaced by %s: notice does not know how", p.Module.Path, p.Module.Replace.Path)
		}
		m := found[p.Module.Path]
		if m == nil {
			m = &module{path: p.Module.Path, version: p.Module.Version, dir: p.Module.Dir, folders: map[string]bool{}}
			found[m.path] = m
		}
		for dir := p.Dir; strings.HasPrefix(dir, m.dir); dir = filepath.Dir(dir) {
			m.folders[dir] = true
		}
	}
}
