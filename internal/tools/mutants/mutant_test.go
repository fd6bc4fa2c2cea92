package main

import (
	"strings"
	"testing"
)

const section = `file: crdt/merge.go
why: It is a slip.
test: ./crdt TestA
test: ./node TestB/of_a_kind

 	stays

-	old
+	new
+	newer
`

func TestASectionIsAFault(t *testing.T) {
	m, err := parseMutant("slip", section)
	if err != nil {
		t.Fatal(err)
	}
	if m.file != "crdt/merge.go" || m.why != "It is a slip." || len(m.tests) != 2 || m.hang != 0 {
		t.Errorf("read %+v", m)
	}
	if m.tests[1] != (namedTest{"./node", "TestB/of_a_kind"}) {
		t.Errorf("read the test %+v", m.tests[1])
	}
	if m.old != "\tstays\n\n\told\n" || m.new != "\tstays\n\n\tnew\n\tnewer\n" {
		t.Errorf("read %q for %q", m.new, m.old)
	}
}

func TestASectionWithAFaultOfItsOwnIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"no file":            strings.Replace(section, "file: crdt/merge.go\n", "", 1),
		"two files":          "file: a.go\n" + section,
		"no test":            strings.ReplaceAll(section, "test: ", "hang: 1s "),
		"a test of nowhere":  strings.Replace(section, "./crdt TestA", "TestA", 1),
		"a hang of no time":  "hang: long\n" + section,
		"an unknown field":   "what: this\n" + section,
		"no hunk":            strings.Split(section, "\n\n")[0],
		"a line of no kind":  section + "none\n",
		"nothing that was":   strings.Split(section, "\n\n")[0] + "\n\n+new\n",
		"nothing that turns": strings.Split(section, "\n\n")[0] + "\n\n stays\n",
	} {
		if _, err := parseMutant("slip", text); err == nil {
			t.Errorf("a section with %s was accepted", name)
		}
	}
}

func TestTheOldTextMustBeThereOnceAsWholeLines(t *testing.T) {
	m := mutant{old: "\told\n", new: "\tnew\n"}
	for source, want := range map[string]string{
		"\told\n":              "\tnew\n",
		"{\n\told\n}\n":        "{\n\tnew\n}\n",
		"{\n\t\told\n\told\n}": "{\n\t\told\n\tnew\n}", // the first is deeper
	} {
		if got, err := m.apply(source); err != nil || got != want {
			t.Errorf("%q became %q, %v", source, got, err)
		}
	}
	for _, source := range []string{"", "{\n\tcold\n}\n", "{\n\told()\n}\n", "{\n\told\n\told\n}\n"} {
		if got, err := m.apply(source); err == nil {
			t.Errorf("%q became %q", source, got)
		}
	}
}
