package main

import (
	"fmt"
	"strings"
	"time"
)

// A mutant is one deliberate fault.
type mutant struct {
	name  string
	file  string // from the root of the module, with slashes
	why   string
	tests []namedTest
	// hang is how long a test may run before it counts as failed by that; 0 where
	// a test that does not end is an error of the list.
	hang     time.Duration
	old, new string // whole lines
}

// A namedTest is a test that must fail.
type namedTest struct {
	pkg  string // as go test takes it, like ./crdt
	name string // of a test function, or of a subtest, after slashes
}

func (t namedTest) String() string { return t.pkg + " " + t.name }

// parseMutant reads a section of the list.
func parseMutant(name, text string) (mutant, error) {
	m := mutant{name: name}
	head, hunk, ok := strings.Cut(text, "\n\n")
	if !ok {
		return m, fmt.Errorf("%s: there is no empty line before the hunk", name)
	}
	for line := range strings.SplitSeq(head, "\n") {
		if err := m.setField(line); err != nil {
			return m, fmt.Errorf("%s: line %q: %w", name, line, err)
		}
	}
	if m.file == "" || m.why == "" || len(m.tests) == 0 {
		return m, fmt.Errorf("%s: file, why and test must all be there", name)
	}
	if err := m.setHunk(hunk); err != nil {
		return m, fmt.Errorf("%s: %w", name, err)
	}
	return m, nil
}

func (m *mutant) setField(line string) (err error) {
	key, value, _ := strings.Cut(line, ": ")
	switch {
	case key == "file" && m.file == "":
		m.file = value
	case key == "why" && m.why == "":
		m.why = value
	case key == "test":
		pkg, name, ok := strings.Cut(value, " ")
		if !ok || !strings.HasPrefix(pkg, "./") || !strings.HasPrefix(name, "Test") {
			return fmt.Errorf("not of the form ./package TestName")
		}
		m.tests = append(m.tests, namedTest{pkg: pkg, name: name})
	case key == "hang" && m.hang == 0:
		m.hang, err = time.ParseDuration(value)
	default:
		return fmt.Errorf("not a field, or there twice")
	}
	return err
}

// setHunk reads the old and the new text.
func (m *mutant) setHunk(hunk string) error {
	var before, after strings.Builder
	for line := range strings.Lines(strings.TrimRight(hunk, "\n") + "\n") {
		switch rest := line[1:]; line[0] {
		case '\n': // an empty line that stays, of which an editor took the space
			before.WriteString(line)
			after.WriteString(line)
		case ' ':
			before.WriteString(rest)
			after.WriteString(rest)
		case '-':
			before.WriteString(rest)
		case '+':
			after.WriteString(rest)
		default:
			return fmt.Errorf("line %q of the hunk begins with none of space, minus and plus", line)
		}
	}
	m.old, m.new = before.String(), after.String()
	if m.old == "" || m.old == m.new {
		return fmt.Errorf("the hunk has no old text, or changes nothing")
	}
	return nil
}

// apply returns the source with the fault in it.
func (m *mutant) apply(source string) (string, error) {
	// A newline before both, so that a match begins where a line does. Two matches
	// may share one.
	source, old := "\n"+source, "\n"+m.old
	at := strings.Index(source, old)
	if at < 0 {
		return "", fmt.Errorf("%s: its old text is not in %s:\n%s", m.name, m.file, m.old)
	}
	if strings.Contains(source[at+1:], old) {
		return "", fmt.Errorf("%s: its old text is more than once in %s:\n%s", m.name, m.file, m.old)
	}
	return source[1:at+1] + m.new + source[at+len(old):], nil
}
