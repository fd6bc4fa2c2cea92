package main

import (
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/citynode/citynode/node"
	"github.com/citynode/citynode/protocol"
)

// An errorJSON is what a command that fails under --json writes to standard error: one
// line, the last.
type errorJSON struct {
	Error string `json:"error"`          // for a person
	Code  string `json:"code"`           // stable: that of a city's answer, else that of Exit
	Exit  int    `json:"exit"`           // the exit code
	Hint  string `json:"hint,omitempty"` // what to do about it
}

// exitNames are the codes of errors that are no city's answer.
var exitNames = map[int]string{
	exitFailure:      "failure",
	exitUsage:        "usage",
	exitUnreachable:  "unreachable",
	exitNotFound:     "not_found",
	exitRefused:      "refused",
	exitTimeout:      "timeout",
	exitNotConverged: "not_converged",
	exitGaveUp:       "gave_up",
}

// reportJSON writes an error for a program.
func reportJSON(w io.Writer, err error) {
	e := errorJSON{Error: messageOf(err), Code: codeName(err), Exit: exitCode(err)}
	if known, ok := errors.AsType[*exitError](err); ok {
		e.Hint = known.hint
	}
	_ = writeJSON(w, e) // nobody is there to be told that it fails
}

// codeName returns the stable name of an error.
func codeName(err error) string {
	if answer, ok := errors.AsType[*protocol.Error](err); ok {
		return answer.Code.String()
	}
	if _, ok := errors.AsType[*node.NameTakenError](err); ok {
		return "name_taken"
	}
	if name, ok := exitNames[exitCode(err)]; ok {
		return name
	}
	return "exit_" + strconv.Itoa(exitCode(err))
}

// asksForJSON reports whether arguments have --json, for errors that are found before all
// of the arguments have been read.
func asksForJSON(args []string) bool {
	if end := slices.Index(args, "--"); end >= 0 {
		args = args[:end]
	}
	last := false
	for _, arg := range args {
		name, value, given := strings.Cut(arg, "=")
		if name != "--json" {
			continue
		}
		on, err := strconv.ParseBool(value)
		last = !given || (on && err == nil)
	}
	return last
}
