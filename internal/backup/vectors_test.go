package backup

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"regexp"
	"testing"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/cddl"
)

// vectorsFile has files, valid and not, for those who read the format with programs of
// their own.
const vectorsFile = "../../docs/backup-vectors.json"

type vector struct {
	Name  string `json:"name"`
	Rule  string `json:"rule"` // that it keeps, or breaks
	Hex   string `json:"hex"`
	Valid bool   `json:"valid"`
	Fault string `json:"fault,omitempty"` // what is said of it: "none", "later", "cut" or "damaged"
}

func (v vector) bytes(t testing.TB) []byte {
	t.Helper()
	b, err := hex.DecodeString(v.Hex)
	if err != nil {
		t.Fatalf("%s: %v", v.Name, err)
	}
	return b
}

func vectorsOf(t testing.TB) (vectors []vector) {
	t.Helper()
	b, err := os.ReadFile(vectorsFile)
	if err == nil {
		err = json.Unmarshal(b, &vectors)
	}
	if err != nil {
		t.Fatal(err)
	}
	return vectors
}

// faultOf returns the word for an error.
func faultOf(err error) string {
	_, later := errors.AsType[*VersionError](err)
	_, cut := errors.AsType[*CutError](err)
	_, damaged := errors.AsType[*DamagedError](err)
	switch {
	case err == nil:
		return ""
	case errors.Is(err, ErrNotBackup):
		return "none"
	case later:
		return "later"
	case cut:
		return "cut"
	case damaged:
		return "damaged"
	}
	return err.Error()
}

// The files of version 1 are read for ever, whatever is written by then.
func TestVectors(t *testing.T) {
	vectors := vectorsOf(t)
	for _, v := range vectors {
		_, _, err := readAll(bytes.NewReader(v.bytes(t)))
		if v.Valid != (err == nil) || v.Fault != faultOf(err) {
			t.Errorf("%s: %v, want %q", v.Name, err, v.Fault)
		}
	}
	if len(vectors) < 20 {
		t.Errorf("only %d vectors", len(vectors))
	}
}

// TestAuthorVectors writes the vectors to the file that VECTORS_OUT names. Without that it
// checks that the committed ones are these.
func TestAuthorVectors(t *testing.T) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetIndent("", "  ")
	if err := e.Encode(authored(t)); err != nil {
		t.Fatal(err)
	}
	if path := os.Getenv("VECTORS_OUT"); path != "" {
		if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if committed, err := os.ReadFile(vectorsFile); err != nil || !bytes.Equal(committed, out.Bytes()) {
		t.Errorf("the committed vectors are others (%v)", err)
	}
}

// The head is in the form that docs/backup.md gives.
func TestHeadsHaveTheFormOfTheDocument(t *testing.T) {
	wire, err := os.ReadFile("../../docs/wire/citynode.cddl")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/backup.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```cddl\n(.*?)```").FindSubmatch(page)
	if block == nil {
		t.Fatal("docs/backup.md has no CDDL")
	}
	text := string(wire) + string(block[1])
	var roots []string
	for _, m := range regexp.MustCompile(`(?m)^([a-z][a-z-]*) +=`).FindAllStringSubmatch(text, -1) {
		roots = append(roots, m[1])
	}
	schema, err := cddl.Parse(text, roots...)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []crdt.Entries{{}, {Heroes: someHeroes(1, 2), Tombstones: someTombstones(0, 1)}} {
		if err := schema.Check("backup-head", headOf(e).append(nil)); err != nil {
			t.Error(err)
		}
	}
}

// summed returns a file of these parts, with a right checksum.
func summed(parts ...[]byte) []byte {
	file := bytes.Join(parts, nil)
	sum := sha256.Sum256(file)
	return append(file, sum[:]...)
}

func framed(item []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(item))), item...)
}

// authored returns all vectors.
func authored(t *testing.T) (vectors []vector) {
	add := func(name, rule, fault string, file []byte) {
		vectors = append(vectors, vector{name, rule, hex.EncodeToString(file), fault == "", fault})
	}
	heroes, dead := someHeroes(1, 2), someTombstones(0, 1)
	all := crdt.Entries{Heroes: heroes, Tombstones: dead}
	whole := written(t, all)
	start, head := binary.BigEndian.AppendUint32([]byte(magic), 1), framed(headOf(all).append(nil))
	page := func(e crdt.Entries) []byte { return framed(crdt.AppendEntries(nil, e)) }
	deadPage, heroPage, end := page(crdt.Entries{Tombstones: dead}), page(crdt.Entries{Heroes: heroes}), make([]byte, lengthBytes)

	add("empty", "a city that holds nothing has a backup too", "", written(t, crdt.Entries{}))
	add("all", "tombstones, then heroes, then a length of 0 and the checksum", "", whole)
	add("short frames", "how many entries a frame has is the writer's choice", "",
		summed(start, head, deadPage, page(crdt.Entries{Heroes: heroes[:1]}), page(crdt.Entries{Heroes: heroes[1:]}), end))

	add("nothing", "a file without a byte may be one that was cut off", "cut", nil)
	add("another file", "it begins with the magic", "none", []byte("citynode store\nformat 1\n"))
	add("line ends changed", "it begins with the magic", "none", append([]byte("citynode backup\r\n"), whole[len(magic):]...))
	add("version 0", "versions begin with 1", "damaged", append(append([]byte(magic), 0, 0, 0, 0), whole[len(start):]...))
	add("version 2", "a later version is named as such", "later", append(append([]byte(magic), 0, 0, 0, 2), whole[len(start):]...))
	add("cut in the magic", "a file has an end", "cut", whole[:9])
	add("cut in the head", "a file has an end", "cut", whole[:len(start)+20])
	add("cut between frames", "a file has an end", "cut", whole[:len(start)+len(head)])
	add("cut before the checksum", "a file has an end", "cut", whole[:len(whole)-sumBytes])
	add("checksum wrong", "the checksum is the SHA-256 of all bytes before it", "damaged", append(bytes.Clone(whole[:len(whole)-1]), whole[len(whole)-1]^1))
	add("something follows", "nothing follows the checksum", "damaged", append(bytes.Clone(whole), 0))
	add("frame too long", "a frame has at most 262,144 bytes", "damaged", summed(start, head, []byte{0, 4, 0, 1}))
	add("no head", "the first frame is the head", "damaged", summed(start, end))
	add("entries for a head", "the first frame is the head", "damaged", summed(start, deadPage, heroPage, end))
	add("head: city in capitals", "a city's name is a DNS label", "damaged", summed(start, bytes.Replace(head, []byte("gotham"), []byte("GOTHAM"), 1), deadPage, heroPage, end))
	add("head: more follows", "a frame holds one item", "damaged", summed(start, framed(append(headOf(all).append(nil), 0)), deadPage, heroPage, end))
	add("entries: none", "a frame has an entry", "damaged", summed(start, head, deadPage, page(crdt.Entries{}), heroPage, end))
	add("entries: both kinds", "a frame has tombstones or heroes", "damaged", summed(start, head, page(all), end))
	add("entries: not canonical", "entries have one encoding", "damaged", summed(start, head, deadPage, framed([]byte{0xb8, 1, 1, 0x80}), heroPage, end))
	add("heroes first", "tombstones come before heroes", "damaged", summed(start, head, heroPage, deadPage, end))
	add("IDs descend", "IDs ascend", "damaged", summed(start, head, deadPage, page(crdt.Entries{Heroes: []crdt.Hero{heroes[1], heroes[0]}}), end))
	add("a hero twice", "IDs ascend", "damaged", summed(start, head, deadPage, heroPage, page(crdt.Entries{Heroes: heroes[1:]}), end))
	add("an entry missing", "counts and digest are those of the head", "damaged", summed(start, head, deadPage, page(crdt.Entries{Heroes: heroes[:1]}), end))
	other := someHeroes(1, 2)
	other[1].Health--
	add("a hero changed", "counts and digest are those of the head", "damaged", summed(start, head, deadPage, page(crdt.Entries{Heroes: other}), end))
	return vectors
}
