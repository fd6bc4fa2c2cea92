package citynode_test

import (
	"regexp"
	"strings"
)

var goBlock = regexp.MustCompile("(?s)```go\n(.*?)```")

// untestedGo finds blocks of Go in the texts that stand in no test, so that nobody
// would notice when they no longer compile.
func untestedGo(r *repo) (faults []string) {
	for _, name := range r.texts() {
		for _, block := range goBlock.FindAllStringSubmatch(r.text(name), -1) {
			if code := unindented(block[1]); !r.tests(code) {
				first, _, _ := strings.Cut(code, "\n")
				faults = append(faults, name+": no test has the Go code that begins with "+first)
			}
		}
	}
	return faults
}

// tests reports whether a test has these lines.
func (r *repo) tests(code string) bool {
	for _, f := range r.files {
		if f.test && strings.Contains(unindented(r.text(f.path)), code) {
			return true
		}
	}
	return false
}

// unindented returns text without the white space round each line.
func unindented(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(strings.TrimSpace(line))
		b.WriteByte('\n')
	}
	return b.String()
}
