package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

// coveredMin is how much of a licence file must be the text of known licences,
// in percent. The rest are names of holders and what they add; the least of the
// files in the binary today is 83.
const coveredMin = 75

// A text is a file of a licence, or one that a licence wants passed on.
type text struct {
	name string // from the root of the module
	body string
}

var (
	licenceName = regexp.MustCompile(`(?i)^(licen[cs]e|copying|unlicense)`)
	passedOn    = regexp.MustCompile(`(?i)^(notice|patents|copyright|authors\b)`)
	identifier  = regexp.MustCompile(`SPDX-License-Identifier: ([A-Za-z0-9.-]+(?: OR [A-Za-z0-9.-]+)*)`)
	noText      = regexp.MustCompile(`(?i)\.(go|s|c|h|json|ya?ml|tmpl)$`)
)

// readLicences reads the licence files beside and above the packages that are in
// the binary.
func (m *module) readLicences() error {
	for dir := range m.folders {
		if err := m.readFolder(dir); err != nil {
			return fmt.Errorf("%s: %w", m.path, err)
		}
	}
	if len(m.licences) == 0 {
		return fmt.Errorf("%s@%s has no licence in %s", m.path, m.version, m.dir)
	}
	slices.Sort(m.licences)
	m.licences = slices.Compact(m.licences)
	slices.SortFunc(m.texts, func(a, b text) int { return strings.Compare(a.name, b.name) })
	return nil
}

// readFolder reads the licence files of one folder. One that is no known licence
// is taken for a word on the others, such as which code is under which, and is
// an error where there are no others.
func (m *module) readFolder(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	known, unknown := false, ""
	for _, e := range entries {
		licence := licenceName.MatchString(e.Name())
		if e.IsDir() || noText.MatchString(e.Name()) || !licence && !passedOn.MatchString(e.Name()) {
			continue
		}
		body, err := m.readText(filepath.Join(dir, e.Name()))
		if err != nil {
			return err
		}
		if !licence {
			continue
		}
		if names := classify(body); len(names) > 0 {
			known = true
			m.licences = append(m.licences, names...)
		} else {
			unknown = e.Name()
		}
	}
	if unknown != "" && !known {
		return fmt.Errorf("%s is the text of no known licence", filepath.Join(dir, unknown))
	}
	return nil
}

// readText adds a file to the texts.
func (m *module) readText(path string) ([]byte, error) {
	body, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	name, err := filepath.Rel(m.dir, path)
	if err != nil {
		return nil, err
	}
	m.texts = append(m.texts, text{name: filepath.ToSlash(name), body: tidied(string(body))})
	return body, nil
}

// classify returns the SPDX names of the licences whose texts body is, or that
// it names in a line for programs, none if it is something else.
func classify(body []byte) (names []string) {
	found := licensecheck.Scan(body)
	if found.Percent < coveredMin {
		if m := identifier.FindSubmatch(body); m != nil {
			names = strings.Split(string(m[1]), " OR ")
		}
		return names
	}
	for _, match := range found.Match {
		if !match.IsURL && !slices.Contains(names, match.ID) {
			names = append(names, match.ID)
		}
	}
	return names
}

// tidied returns a text without what differs between copies of one licence and
// nobody sees.
func tidied(s string) string {
	lines := strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " \t")
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n") + "\n"
}
