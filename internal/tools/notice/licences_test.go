package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const isc = `Copyright (c) 2026 Somebody

Permission to use, copy, modify, and/or distribute this software for any purpose
with or without fee is hereby granted, provided that the above copyright notice
and this permission notice appear in all copies.

THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH
REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF MERCHANTABILITY AND
FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY SPECIAL, DIRECT,
INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES WHATSOEVER RESULTING FROM LOSS
OF USE, DATA OR PROFITS, WHETHER IN AN ACTION OF CONTRACT, NEGLIGENCE OR OTHER
TORTIOUS ACTION, ARISING OUT OF OR IN CONNECTION WITH THE USE OR PERFORMANCE OF
THIS SOFTWARE.
`

// moduleOf returns a module whose folder has these files, and a package in its
// root and one in the folder "inner".
func moduleOf(t *testing.T, files map[string]string) module {
	t.Helper()
	dir := t.TempDir()
	for name, body := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, "inner"), 0o700); err != nil {
		t.Fatal(err)
	}
	return module{path: "example.org/m", version: "v1.0.0", dir: dir, folders: map[string]bool{dir: true, filepath.Join(dir, "inner"): true}}
}

func TestLicencesAreReadBesideAndAboveThePackages(t *testing.T) {
	m := moduleOf(t, map[string]string{
		"LICENSE":         isc,
		"NOTICE":          "thank somebody",
		"license.go":      "package m",
		"README":          "not a licence",
		"inner/COPYING":   "SPDX-License-Identifier: MIT OR Apache-2.0",
		"another/LICENSE": "of a package that is not in the binary",
	})
	if err := m.readLicences(); err != nil {
		t.Fatal(err)
	}
	if want := []string{"Apache-2.0", "ISC", "MIT"}; !slices.Equal(m.licences, want) {
		t.Errorf("licences %v, want %v", m.licences, want)
	}
	var names []string
	for _, text := range m.texts {
		names = append(names, text.name)
	}
	if want := []string{"LICENSE", "NOTICE", "inner/COPYING"}; !slices.Equal(names, want) {
		t.Errorf("texts %v, want %v", names, want)
	}
}

func TestAFileThatPointsAtLicencesIsNoFault(t *testing.T) {
	m := moduleOf(t, map[string]string{"LICENSE": "New code is under LICENSE-ISC.", "LICENSE-ISC": isc})
	if err := m.readLicences(); err != nil || !slices.Equal(m.licences, []string{"ISC"}) || len(m.texts) != 2 {
		t.Errorf("%v, %v", m.licences, err)
	}
}

func TestAModuleWithoutAKnownLicenceIsRefused(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"none":             {"README": isc},
		"of its own":       {"LICENSE": "Do what you are told."},
		"of its own below": {"LICENSE": isc, "inner/LICENSE": "Do what you are told."},
	} {
		m := moduleOf(t, files)
		if err := m.readLicences(); err == nil || !strings.HasPrefix(err.Error(), m.path) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEachTextIsWrittenOnce(t *testing.T) {
	same := text{name: "LICENSE", body: "same\n"}
	got := string(notice([]module{
		{path: standardLibrary, licences: []string{"BSD-3-Clause"}, texts: []text{{"LICENSE", "go's\n"}}},
		{path: "a.org/a", version: "v1.0.0", licences: []string{"MIT"}, texts: []text{same}},
		{path: "b.org/b", version: "v2.0.0", licences: []string{"ISC", "MIT"}, texts: []text{same}},
	}))
	for want, times := range map[string]int{
		"a.org/a v1.0.0  MIT\nb.org/b v2.0.0  ISC, MIT\n": 1,
		"a.org/a/LICENSE\nb.org/b/LICENSE\n---":           1,
		"\nsame\n":                                        1,
		"\ngo's\n":                                        1,
	} {
		if strings.Count(got, want) != times {
			t.Errorf("%q is not there %d times in:\n%s", want, times, got)
		}
	}
}
