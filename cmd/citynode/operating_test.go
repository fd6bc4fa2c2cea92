package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// scriptForms are the lines of a script that run a command of the page.
var scriptForms = []*regexp.Regexp{
	regexp.MustCompile(`^code 0 (.*)$`),
	regexp.MustCompile(`^start \S+ (.*)$`),
	regexp.MustCompile(`^exec (.*)$`),
	regexp.MustCompile(`^exec sh -c '(.*)'$`),
}

// runs reports whether a line of a script runs a command as it stands on the page.
func runs(line, command string) bool {
	for _, form := range scriptForms {
		m := form.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		if m[1] == command || !strings.HasPrefix(line, "exec") && "citynode "+m[1] == command {
			return true
		}
	}
	return false
}

// What docs/operating.md has people type stands in the script operating.txtar, in the same
// words and the same order; TestScripts runs that.
func TestEveryCommandOfThePageForOperatorsIsRun(t *testing.T) {
	page, err := os.ReadFile("../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile("testdata/script/operating.txtar")
	if err != nil {
		t.Fatal(err)
	}
	rest := strings.Split(string(script), "\n")
	blocks := regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	if len(blocks) < 10 {
		t.Fatalf("the page has only %d blocks", len(blocks))
	}
	for _, block := range blocks {
		for command := range strings.Lines(block[1]) {
			command = strings.TrimSuffix(command, "\n")
			for len(rest) > 0 && !runs(rest[0], command) {
				rest = rest[1:]
			}
			if len(rest) == 0 {
				t.Fatalf("the script does not run %q, or not after those before it", command)
			}
			rest = rest[1:]
		}
	}
}
