package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"golang.org/x/tools/txtar"
)

// readList returns the faults of all files in a folder, in the order of the files'
// names.
func readList(dir string) (all []mutant, err error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s: no list of faults: run from the root of the module", dir)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			return nil, err
		}
		for _, section := range archive.Files {
			m, err := parseMutant(section.Name, string(section.Data))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", filepath.Base(file), err)
			}
			all = append(all, m)
		}
	}
	return all, nil
}

// check returns what is wrong with a list, without a build: two faults of one
// name, old texts that are not there once, tests that are not there.
func check(root string, all []mutant) (faults []error) {
	names := map[string]bool{}
	for _, m := range all {
		if names[m.name] {
			faults = append(faults, fmt.Errorf("%s: there are two of this name", m.name))
		}
		names[m.name] = true
		faults = append(faults, checkOne(root, m)...)
	}
	return faults
}

func checkOne(root string, m mutant) (faults []error) {
	source, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(m.file)))
	if err == nil {
		_, err = m.apply(string(source))
	}
	if err != nil {
		faults = append(faults, err)
	}
	for _, test := range m.tests {
		if err := test.exists(root); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", m.name, err))
		}
	}
	return faults
}

// exists returns an error if no file of the package declares the test function.
func (t namedTest) exists(root string) error {
	function, _, _ := strings.Cut(t.name, "/")
	declared := regexp.MustCompile(`(?m)^func ` + regexp.QuoteMeta(function) + `\(`)
	files, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(t.pkg), "*_test.go"))
	if err != nil {
		return err
	}
	var errs []error
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err == nil && declared.Match(source) {
			return nil
		}
		errs = append(errs, err)
	}
	return errors.Join(append(errs, fmt.Errorf("there is no test %s in %s", function, t.pkg))...)
}
