package main

import (
	"fmt"
	"slices"
	"strings"
)

const noticeHead = `citynode is under the MIT license, which stands in the file LICENSE.

The binary contains the code below, on some systems not all of it. First the
modules and their licences, then the texts of the licences, each once, with the
files that have it. Written by make notice.

`

// notice returns the contents of NOTICE.
func notice(modules []module) []byte {
	var b strings.Builder
	b.WriteString(noticeHead)
	for _, m := range modules {
		fmt.Fprintf(&b, "%s  %s\n", title(m), strings.Join(m.licences, ", "))
	}
	for _, g := range grouped(modules) {
		fmt.Fprintf(&b, "\n%s\n", strings.Repeat("=", 80))
		for _, file := range g.files {
			fmt.Fprintln(&b, file)
		}
		fmt.Fprintf(&b, "%s\n\n%s", strings.Repeat("-", 80), g.body)
	}
	return []byte(b.String())
}

func title(m module) string {
	if m.path == standardLibrary {
		return "Go, its standard library and runtime"
	}
	return m.path + " " + m.version
}

// A group is the files that have the same text.
type group struct {
	body  string
	files []string
}

// grouped returns the texts of all modules, each once.
func grouped(modules []module) (groups []group) {
	for _, m := range modules {
		for _, t := range m.texts {
			file := m.path + "/" + t.name
			i := slices.IndexFunc(groups, func(g group) bool { return g.body == t.body })
			if i < 0 {
				groups = append(groups, group{body: t.body, files: []string{file}})
				continue
			}
			groups[i].files = append(groups[i].files, file)
		}
	}
	return groups
}

// table returns the modules, one a line: path, version, licences.
func table(modules []module) []byte {
	var b strings.Builder
	for _, m := range modules {
		if m.path != standardLibrary {
			fmt.Fprintf(&b, "%s %s %s\n", m.path, m.version, strings.Join(m.licences, ","))
		}
	}
	return []byte(b.String())
}
