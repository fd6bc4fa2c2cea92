package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The exit codes of status --check, as monitors expect them. They are of their own: 2 and
// 3 mean other things to all other commands.
const (
	checkWell    = 0
	checkWarning = 1
	checkIll     = 2
	checkUnknown = 3
)

// errSaid is in an error of which the output has said everything.
var errSaid = errors.New("it is said")

// level returns how bad a problem is, to whoever watches the node that was asked: ill where
// that node cannot do what it is there for, else a warning.
func (s statusJSON) level(p cityProblemJSON) int {
	if p.Peer == s.Peer && p.of.Stops() {
		return checkIll
	}
	return checkWarning
}

// check returns the exit code of status --check.
func (s statusJSON) check() (code int) {
	for _, p := range s.Problems {
		code = max(code, s.level(p))
	}
	return code
}

// printCheck prints one line for a monitor, and returns an error with its exit code.
func (g *globals) printCheck(s statusJSON, now time.Time) error {
	code := s.check()
	var err error
	if g.json {
		err = g.printJSON(s)
	} else {
		err = g.printf("%s\n", printable(s.checkLine(now)))
	}
	if err != nil || code == checkWell {
		return err
	}
	return failf(code, "%w", errSaid)
}

// checkLine says in one line how the node is, the worst first.
func (s statusJSON) checkLine(now time.Time) string {
	word := [...]string{"OK", "WARNING", "CRITICAL"}[s.check()]
	line := fmt.Sprintf("%s: %s, cities alive: %d", word, s.City, s.Cities.Alive)
	worst := slices.Clone(s.Problems)
	slices.SortStableFunc(worst, func(a, b cityProblemJSON) int { return s.level(b) - s.level(a) })
	for _, p := range worst {
		line += "; " + p.text(now)
	}
	return line
}

// isCheck reports whether a command line asks for status --check, also one that cannot be
// read for some other flag.
func isCheck(command string, args []string) bool {
	return command == "status" && slices.ContainsFunc(args, func(arg string) bool {
		return arg == "--check" || strings.HasPrefix(arg, "--check=") && arg != "--check=false"
	})
}

// monitorCode returns the exit code of a status --check that ended with err. A node that
// cannot be asked is ill; a command line that is wrong says nothing of any node.
func monitorCode(err error) int {
	code := exitCode(err)
	switch {
	case errors.Is(err, errSaid), code == exitOK:
		return code
	case code == exitUnreachable, code == exitTimeout:
		return checkIll
	}
	return checkUnknown
}
