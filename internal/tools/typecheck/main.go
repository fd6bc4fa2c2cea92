package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"

	"golang.org/x/tools/go/packages"
)

func main() {
	if err := run(os.Stdout, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "typecheck:", err)
		os.Exit(1)
	}
}

// run checks the platforms one after another: one takes most of a GiB.
func run(out io.Writer, platforms []string) error {
	wrong := 0
	for _, platform := range platforms {
		errs, err := check(platform)
		if err != nil {
			return fmt.Errorf("%s: %w", platform, err)
		}
		for _, err := range errs {
			fmt.Fprintf(out, "%s: %v\n", platform, err)
		}
		if len(errs) == 0 {
			fmt.Fprintf(out, "%s: types are right\n", platform)
		}
		wrong += len(errs)
		runtime.GC()
	}
	if wrong > 0 {
		return fmt.Errorf("%d errors", wrong)
	}
	return nil
}

// check returns the errors of type in the packages of this module, each once.
func check(platform string) ([]packages.Error, error) {
	system, processor, ok := strings.Cut(platform, "/")
	if !ok {
		return nil, fmt.Errorf("not of the form GOOS/GOARCH")
	}
	loaded, err := packages.Load(&packages.Config{
		Mode:  packages.LoadAllSyntax | packages.NeedModule, // the module tells the version of Go
		Tests: true,
		Env:   append(os.Environ(), "CGO_ENABLED=0", "GOOS="+system, "GOARCH="+processor),
	}, "./...")
	if err != nil {
		return nil, err
	}
	if len(loaded) == 0 {
		return nil, fmt.Errorf("no packages")
	}
	return distinct(loaded), nil
}

// distinct returns the errors of all packages. A file stands in several
// packages: alone, and with the tests beside it.
func distinct(loaded []*packages.Package) (errs []packages.Error) {
	seen := map[string]bool{}
	packages.Visit(loaded, nil, func(p *packages.Package) {
		for _, err := range p.Errors {
			if !seen[err.Error()] {
				seen[err.Error()] = true
				errs = append(errs, err)
			}
		}
	})
	return errs
}
