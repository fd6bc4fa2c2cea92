package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"

	"github.com/citynode/citynode/node"
	"github.com/citynode/citynode/node/dispatch"
	"github.com/citynode/citynode/protocol"
)

// The exit codes of every command.
const (
	exitOK           = 0
	exitFailure      = 1
	exitUsage        = 2
	exitUnreachable  = 3
	exitNotFound     = 4
	exitRefused      = 5
	exitTimeout      = 6
	exitNotConverged = 8
	exitGaveUp       = 70
)

// An exitError is an error whose exit code is known where it is made.
type exitError struct {
	code int
	err  error
	hint string // what to do about it; may be empty
}

// Error returns the message without the hint.
func (e *exitError) Error() string { return e.err.Error() }

// Unwrap gives the cause.
func (e *exitError) Unwrap() error { return e.err }

// failf returns an error that ends the command with that exit code.
func failf(code int, format string, args ...any) *exitError {
	return &exitError{code: code, err: fmt.Errorf(format, args...)}
}

// usagef returns an error about the command line itself.
func usagef(format string, args ...any) *exitError { return failf(exitUsage, format, args...) }

// withHint adds a line that says what to do.
func (e *exitError) withHint(format string, args ...any) *exitError {
	e.hint = fmt.Sprintf(format, args...)
	return e
}

// exitCode returns the code with which a command that returned err ends.
func exitCode(err error) int {
	if err == nil || errors.Is(err, syscall.EPIPE) {
		return exitOK // whoever read our output has seen enough
	}
	if e, ok := errors.AsType[*exitError](err); ok {
		return e.code
	}
	if e, ok := errors.AsType[*protocol.Error](err); ok {
		return exitOfAnswer(e.Code)
	}
	if _, ok := errors.AsType[*node.NameTakenError](err); ok {
		return exitRefused
	}
	if _, ok := errors.AsType[*dispatch.RelayedError](err); ok {
		return exitTimeout
	}
	if _, ok := errors.AsType[*node.TwinError](err); ok {
		return exitRefused
	}
	switch {
	case errors.Is(err, node.ErrGaveUp):
		return exitGaveUp
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, protocol.ErrUnavailable):
		return exitTimeout
	}
	return exitFailure
}

// exitOfAnswer returns the exit code for what a city answered.
func exitOfAnswer(code protocol.Code) int {
	switch code {
	case protocol.OK:
		return exitOK
	case protocol.NotFound:
		return exitNotFound
	case protocol.Dead, protocol.Forbidden, protocol.WrongCity, protocol.BadRequest, protocol.TooLarge:
		return exitRefused
	case protocol.Busy, protocol.Unavailable:
		return exitTimeout
	}
	return exitFailure
}

// report writes an error, for a program or for a person, with its hint.
func report(w io.Writer, err error, asJSON bool) {
	if err == nil || errors.Is(err, syscall.EPIPE) || errors.Is(err, errSaid) {
		return
	}
	if _, logged := errors.AsType[*loggedError](err); logged {
		return
	}
	if asJSON {
		reportJSON(w, err)
		return
	}
	lines := strings.Split(messageOf(err), "\n")
	for i, line := range lines {
		lines[i] = printable(line)
	}
	fmt.Fprintf(w, "citynode: %s\n", strings.Join(lines, "\n  "))
	if e, ok := errors.AsType[*exitError](err); ok && e.hint != "" {
		fmt.Fprintf(w, "  hint: %s\n", e.hint)
	}
}

// messageOf returns what a person is told: of an answer its message, which says what
// it is about; of all else the whole error, without the words of package
// context.
func messageOf(err error) string {
	if answer, ok := errors.AsType[*protocol.Error](err); ok && answer.Message != "" {
		if dispatch.Transient(answer) {
			return "given up: " + answer.Message
		}
		return answer.Message
	}
	message := err.Error()
	message = strings.ReplaceAll(message, context.DeadlineExceeded.Error(), "no answer within --timeout")
	return strings.ReplaceAll(message, context.Canceled.Error(), "interrupted")
}
