package wire

import (
	_ "embed"
	"encoding/binary"
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

// schemaText is in the binary of the tests, so that a deliberate fault in the file is
// tested as one in code is.
//
//go:embed citynode.cddl
var schemaText string

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
var roots = []string{"request", "response", "presence", "question", "sign", "delta", "hero", "tombstone", "entries", "message", "versions", "merge", "peer"}

// vectorRules are the forms of vectors that are no messages.
const vectorRules = `
versions = [2* [uint .size 8, uint .size 8, uint .size 8]]
merge    = [2*2 (hero / tombstone)]
`

// schema returns the schema of the wire. Parse refuses a rule that is no root and
// that nothing refers to.
func schema(t *testing.T) *cddl.Schema {
	t.Helper()
	replies := regexp.MustCompile(`(?m)^[a-z]+-reply`).FindAllString(schemaText, -1)
	s, err := cddl.Parse(schemaText+vectorRules, slices.Concat(roots, replies)...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// ruleOf returns the rule that a vector is to match.
func ruleOf(v vector) string {
	switch v.Kind {
	case "stream":
		return "request"
	case "body":
		return v.Method + "-request"
	case "reply":
		return v.Method + "-reply"
	default:
		return v.Kind
	}
}

// itemsOf returns what of a vector is to match its rule. The frames of a stream are
// looked at only if the stream is valid. The key of a name is no CBOR, and the bytes
// of a peer ID stand in a byte string.
func itemsOf(t *testing.T, v vector) (items [][]byte) {
	t.Helper()
	b, err := hex.DecodeString(v.Hex)
	if err != nil {
		t.Fatalf("%s/%s: %v", v.Kind, v.Name, err)
	}
	switch v.Kind {
	case "stream":
		for v.Valid && len(b) > 0 {
			length, n := binary.Uvarint(b)
			items = append(items, b[n:n+int(length)])
			b = b[n+int(length):]
		}
		return items
	case "name":
		return nil
	case "peer":
		b = append([]byte{0x58, byte(len(b))}, b...)
	}
	return [][]byte{b}
}

func TestEveryVectorIsInTheFormOfTheCDDLOrSaysThatItIsNot(t *testing.T) {
	s := schema(t)
	for _, file := range []string{"vectors.json", "sync-vectors.json"} {
		checked, whole := map[string]int{}, 0
		for _, v := range read[[]vector](t, file) {
			whole++
			for _, item := range itemsOf(t, v) {
				checked[v.Kind]++
				err := s.Check(ruleOf(v), item)
				switch {
				case v.Valid && v.Form:
					t.Errorf("%s/%s: form is for what is not valid", v.Kind, v.Name)
				case v.Valid && err != nil:
					t.Errorf("%s/%s is valid, and not by the CDDL: %v", v.Kind, v.Name, err)
				case !v.Valid && (err == nil) != v.Form:
					t.Errorf("%s/%s: form is %t, and the CDDL says %v", v.Kind, v.Name, v.Form, err)
				}
			}
		}
		t.Logf("%s: %d vectors, items checked against the CDDL: %v", file, whole, checked)
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
			if !strings.Contains("\n"+schemaText, "\n"+m[1]) {
				t.Errorf("%s: not in %s:\n%s", page, schemaFile, m[1])
			}
		}
	}
	if blocks == 0 {
		t.Error("no page has CDDL")
	}
}
