package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// Whoever changes code that a fault is made in learns it from this test, not from
// a run of all faults.
func TestEveryFaultOfTheListFitsTheCode(t *testing.T) {
	root := filepath.Join("..", "..", "..")
	all, err := readList("list")
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range check(root, all) {
		t.Error(fault)
	}
}

func TestAListIsCheckedWithoutABuild(t *testing.T) {
	m := mutant{
		name: "twin", file: "list.go", old: "}\n", new: "",
		tests: []namedTest{{".", "TestAListIsCheckedWithoutABuild/part"}, {".", "TestThatIsNotThere"}},
	}
	gone := mutant{name: "gone", file: "gone.go", tests: m.tests[:1]}
	var told strings.Builder
	for _, fault := range check(".", []mutant{m, m, gone}) {
		told.WriteString(fault.Error() + "\n")
	}
	for _, want := range []string{
		"two of this name", "more than once in list.go", "no test TestThatIsNotThere", "gone.go",
	} {
		if !strings.Contains(told.String(), want) {
			t.Errorf("nothing told of %q:\n%s", want, told.String())
		}
	}
	if strings.Contains(told.String(), "no test TestAListIsCheckedWithoutABuild") {
		t.Error("a test that is there was not found")
	}
}
