package citynode_test

import (
	"go/ast"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
)

// README promises things in the list of a section of its own. A table in ARCHITECTURE.md
// has each sentence of that list, to the letter but for white space, and names the tests
// that fail where it is not kept: as the package's last word and the function,
// `node.TestX`, or as the path of a script of some test.

// promises is the heading of README under which what is guaranteed stands.
const promises = "## What is guaranteed\n"

// A sentence ends with a full stop and white space. A stop within bold text, as after the
// name of a promise, does not end one.
var sentenceEnd = regexp.MustCompile(`\.\s+`)

// promised returns the sentences of the list of what is guaranteed.
func (r *repo) promised() (sentences []string) {
	_, section, _ := strings.Cut(r.text("README.md"), promises)
	section, _, _ = strings.Cut(section, "\n## ")
	for item := range strings.SplitSeq("\n"+section, "\n- ") {
		for _, sentence := range sentenceEnd.Split(item+" ", -1) {
			if sentence = strings.Join(strings.Fields(sentence), " "); sentence != "" {
				sentences = append(sentences, sentence+".")
			}
		}
	}
	return sentences
}

// untestedPromises finds promises that no row of the table has, rows of what is not
// promised, and rows whose tests are not there.
func untestedPromises(r *repo) (faults []string) {
	rows := r.table("promise")
	if len(rows) == 0 {
		return []string{mapFile + ": there is no table of promises"}
	}
	promised, tests := r.promised(), r.testsByName()
	for _, row := range rows {
		promise := row["promise"]
		at := slices.Index(promised, promise)
		if at < 0 {
			faults = append(faults, mapFile+": README does not promise: "+promise)
			continue
		}
		promised = slices.Delete(promised, at, at+1)
		named := codeIn(row["tests"])
		if len(named) == 0 {
			faults = append(faults, mapFile+": no test is named for: "+promise)
		}
		for _, name := range named {
			if !tests[name] && !r.isScript(name) {
				faults = append(faults, mapFile+": there is no test "+name)
			}
		}
	}
	for _, promise := range promised {
		faults = append(faults, mapFile+": no row of the table of promises has: "+promise)
	}
	return faults
}

var testFunction = regexp.MustCompile(`^(Test|Fuzz)[^a-z]`)

// testsByName returns all tests, as a table of promises names them.
func (r *repo) testsByName() map[string]bool {
	tests := map[string]bool{}
	for _, f := range r.files {
		if !f.test {
			continue
		}
		for _, decl := range f.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && testFunction.MatchString(fn.Name.Name) {
				tests[path.Base(f.room)+"."+fn.Name.Name] = true
			}
		}
	}
	return tests
}

// isScript reports whether a path is that of a script for tests.
func (r *repo) isScript(name string) bool {
	_, err := fs.Stat(r, path.Clean(name))
	return err == nil && slices.Contains(strings.Split(name, "/"), "testdata")
}
