package wire

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/citynode/citynode/internal/cddl"
)

const schemaFile = "citynode.cddl"

// vector is what the CDDL is concerned with in a vector; README.md has the rest.
type vector struct {
	Kind, Name, Hex, Method string
	Valid, Form             bool
}

// read reads a JSON file of this folder.
func read[T any](t *testing.T, file string) (v T) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return v
}

// roots are the rules that vectors are checked against, besides those by method.
var roots = []string{"request", "response", "presence", "delta", "hero", "tombstone", "entries", "message"}

// schema returns the schema of the wire. Parse refuses a rule that is no root and
// that nothing refers to.
func schema(t *testing.T) *cddl.Schema {
	t.Helper()
	b, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	replies := regexp.MustCompile(`(?m)^[a-z]+-reply`).FindAllString(string(b), -1)
	s, err := cddl.Parse(string(b), slices.Concat(roots, replies)...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// ruleOf returns the rule that a vector is to match, "" where it is no item that
// the CDDL knows.
func ruleOf(v vector) string {
	switch v.Kind {
	case "stream", "versions", "merge", "peer", "name":
		return ""
	case "body":
		return v.Method + "-request"
	case "reply":
		return v.Method + "-reply"
	default:
		return v.Kind
	}
}

func TestEveryVectorIsInTheFormOfTheCDDLOrSaysThatItIsNot(t *testing.T) {
	s := schema(t)
	for _, file := range []string{"vectors.json", "sync-vectors.json"} {
		checked, whole := map[string]int{}, 0
		for _, v := range read[[]vector](t, file) {
			whole++
			rule := ruleOf(v)
			if rule == "" {
				continue
			}
			checked[v.Kind]++
			b, err := hex.DecodeString(v.Hex)
			if err != nil {
				t.Fatalf("%s/%s: %v", v.Kind, v.Name, err)
			}
			err = s.Check(rule, b)
			switch {
			case v.Valid && v.Form:
				t.Errorf("%s/%s: form is for what is not valid", v.Kind, v.Name)
			case v.Valid && err != nil:
				t.Errorf("%s/%s is valid, and not by the CDDL: %v", v.Kind, v.Name, err)
			case !v.Valid && (err == nil) != v.Form:
				t.Errorf("%s/%s: form is %t, and the CDDL says %v", v.Kind, v.Name, v.Form, err)
			}
		}
		t.Logf("%s: %d vectors, checked against the CDDL: %v", file, whole, checked)
	}
}

func TestWhatIsSaidInTranscriptsIsInTheFormOfTheCDDL(t *testing.T) {
	type place struct {
		Entries  string
		Scripted bool
	}
	sessions := read[[]struct {
		Name                 string
		Initiator, Responder place
		Lines                []struct{ From, Hex, Merge string }
	}](t, "sessions.json")
	s, checked := schema(t), 0
	check := func(name, rule, text string) {
		t.Helper()
		b, err := hex.DecodeString(text)
		if err == nil {
			err = s.Check(rule, b)
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		checked++
	}
	for _, one := range sessions {
		sides := map[string]place{"initiator": one.Initiator, "responder": one.Responder}
		for _, side := range sides {
			check(one.Name, "entries", side.Entries)
		}
		for _, l := range one.Lines {
			switch {
			case l.Merge != "":
				check(one.Name, "entries", l.Merge)
			case l.From != "" && !sides[l.From].Scripted:
				check(one.Name, "message", l.Hex)
			}
		}
	}
	t.Logf("%d sessions, %d items", len(sessions), checked)
}

var block = regexp.MustCompile("(?s)```cddl\n(.*?)```")

func TestTheCDDLOfThePagesIsThatOfTheFile(t *testing.T) {
	whole, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	pages, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range block.FindAllStringSubmatch(string(text), -1) {
			blocks++
			if !strings.Contains("\n"+string(whole), "\n"+m[1]) {
				t.Errorf("%s: not in %s:\n%s", page, schemaFile, m[1])
			}
		}
	}
	if blocks == 0 {
		t.Error("no page has CDDL")
	}
}
