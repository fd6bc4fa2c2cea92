package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// testTimeMax is how long one test may take. The slowest that is named takes a
// fifth of it alone on two cores.
const testTimeMax = 2 * time.Minute

// A laboratory builds and runs tests, with a fault or without.
type laboratory struct {
	root    string // of the module
	scratch string // a folder for what is built
	limit   time.Duration
	flags   map[string][]string // of a package's tests; filled as they are asked for
}

// An outcome is how a fault fared.
type outcome string

const (
	killed  outcome = "killed"
	alive   outcome = "ALIVE"   // a test passed
	hung    outcome = "HUNG"    // a test did not end, and the list does not say so
	invalid outcome = "INVALID" // it does not compile
)

// A verdict is an outcome, and for all but killed what a person needs to see.
type verdict struct {
	outcome outcome
	detail  string
}

// control runs the tests of all chosen faults without any fault. They must pass:
// of a test that fails anyway nothing can be learned.
func (l *laboratory) control(ctx context.Context, out io.Writer, chosen []mutant) error {
	var tests []namedTest
	for _, m := range chosen {
		tests = append(tests, m.tests...)
	}
	byName := func(a, b namedTest) int { return strings.Compare(a.String(), b.String()) }
	slices.SortFunc(tests, byName)
	tests = slices.Compact(tests)
	start := time.Now()
	binary, built := "", ""
	for _, test := range tests {
		if built != test.pkg {
			var err error
			if binary, err = l.build(ctx, test.pkg, ""); err != nil {
				return fmt.Errorf("without any fault: %w", err)
			}
			built = test.pkg
		}
		if r, err := l.run(ctx, binary, test, l.limit); err != nil {
			return err
		} else if r != passed {
			return fmt.Errorf("without any fault, the test %s %s", test, r)
		}
	}
	fmt.Fprintf(out, "without any fault the %d tests pass, in %.0f s\n", len(tests), time.Since(start).Seconds())
	return nil
}

// try makes one fault and runs its tests until one passes.
func (l *laboratory) try(ctx context.Context, m mutant) (verdict, error) {
	overlay, err := l.overlay(m)
	if err != nil {
		return verdict{}, err
	}
	limit := l.limit
	if m.hang > 0 {
		limit = m.hang
	}
	for _, test := range m.tests {
		binary, err := l.build(ctx, test.pkg, overlay)
		if failed, ok := errors.AsType[*buildError](err); ok {
			return verdict{invalid, "it does not compile:\n" + failed.output}, nil
		} else if err != nil {
			return verdict{}, err
		}
		switch r, err := l.run(ctx, binary, test, limit); {
		case err != nil:
			return verdict{}, err
		case r == passed:
			return verdict{alive, fmt.Sprintf("the test %s passes", test)}, nil
		case r == timedOut && m.hang == 0:
			return verdict{hung, fmt.Sprintf("the test %s runs for more than %s; if it must, say hang: 10s", test, limit)}, nil
		}
	}
	return verdict{outcome: killed}, nil
}

// overlay writes the faulty file and what tells the compiler to read it.
func (l *laboratory) overlay(m mutant) (path string, err error) {
	file := filepath.Join(l.root, filepath.FromSlash(m.file))
	source, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	faulty, err := m.apply(string(source))
	if err != nil {
		return "", err
	}
	instead := filepath.Join(l.scratch, "faulty.go")
	table, err := json.Marshal(map[string]any{"Replace": map[string]string{file: instead}})
	if err != nil {
		return "", err
	}
	path = filepath.Join(l.scratch, "overlay.json")
	return path, errors.Join(os.WriteFile(instead, []byte(faulty), 0o600), os.WriteFile(path, table, 0o600))
}

// A buildError is that of code that does not compile.
type buildError struct{ pkg, output string }

func (e *buildError) Error() string { return "build the tests of " + e.pkg + ":\n" + e.output }

// build compiles the tests of a package. overlay may be empty.
func (l *laboratory) build(ctx context.Context, pkg, overlay string) (binary string, err error) {
	binary = filepath.Join(l.scratch, "faulty.test")
	args := []string{"test", "-c", "-o", binary}
	if overlay != "" {
		args = append(args, "-overlay", overlay)
	}
	compile := exec.CommandContext(ctx, "go", append(args, pkg)...)
	compile.Dir = l.root
	if out, err := compile.CombinedOutput(); ctx.Err() != nil {
		return "", ctx.Err()
	} else if err != nil {
		return "", &buildError{pkg, string(out)}
	}
	return binary, nil
}

// A result is how a test ended.
type result string

const (
	passed   result = "passes"
	failed   result = "fails"
	timedOut result = "does not end"
	missing  result = "does not run"
)

// run runs one test in the folder of its package, as go test does.
func (l *laboratory) run(ctx context.Context, binary string, test namedTest, limit time.Duration) (result, error) {
	flags, err := l.testFlags(ctx, test.pkg)
	if err != nil {
		return "", err
	}
	// The test ends itself at its limit; what cannot even do that is killed.
	ctx, cancel := context.WithTimeout(ctx, limit+10*time.Second)
	defer cancel()
	command := exec.CommandContext(ctx, binary, append(flags, "-test.run="+test.pattern(), "-test.timeout="+limit.String())...)
	command.Dir = filepath.Join(l.root, filepath.FromSlash(test.pkg))
	command.WaitDelay = time.Second // for programs that the test has started
	out, err := command.CombinedOutput()
	_, exited := errors.AsType[*exec.ExitError](err)
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded), bytes.Contains(out, []byte("panic: test timed out after")):
		return timedOut, nil
	case ctx.Err() != nil:
		return "", ctx.Err()
	case bytes.Contains(out, []byte("testing: warning: no tests to run")):
		return missing, nil
	case err == nil:
		return passed, nil
	case exited:
		return failed, nil
	default:
		return "", fmt.Errorf("run %s: %w", test, err)
	}
}

// pattern matches this test alone.
func (t namedTest) pattern() string {
	return "^" + strings.ReplaceAll(t.name, "/", "$/^") + "$"
}

// testFlags returns the flags that the tests of a package need: a law that fails
// must leave no file in the tree.
func (l *laboratory) testFlags(ctx context.Context, pkg string) ([]string, error) {
	if flags, ok := l.flags[pkg]; ok {
		return flags, nil
	}
	list := exec.CommandContext(ctx, "go", "list", "-test", "-deps", pkg)
	list.Dir = l.root
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("go list of %s: %w", pkg, err)
	}
	var flags []string
	if bytes.Contains(out, []byte("pgregory.net/rapid\n")) {
		flags = []string{"-rapid.nofailfile"}
	}
	if l.flags == nil {
		l.flags = map[string][]string{}
	}
	l.flags[pkg] = flags
	return flags, nil
}
