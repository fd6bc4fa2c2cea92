package reconcile

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"pgregory.net/rapid"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/crdt/crdttest"
	"github.com/citynode/citynode/crdt/sketch"
	"github.com/citynode/citynode/internal/cddl"
)

// vectorsPath is the file that other implementations test against, schemaPath the
// schema of what is in it.
const (
	vectorsPath = "../../docs/wire/sync-vectors.json"
	schemaPath  = "../../docs/wire/citynode.cddl"
)

var update = flag.Bool("update", false, "write "+vectorsPath+" afresh")

// vector is one encoding and whether it is a message; docs/wire/README.md says what
// the fields mean.
type vector struct {
	Name        string `json:"name"`
	Kind        string `json:"kind"`
	Rule        string `json:"rule"`
	Hex         string `json:"hex"`
	Diag        string `json:"diag"`
	Valid       bool   `json:"valid"`
	Consequence string `json:"consequence,omitempty"`
	Form        bool   `json:"form,omitempty"`
}

// messages has a message of each form.
func messages() map[string]Message {
	hero := crdt.Hero{
		ID: crdttest.IDOf(0), Name: "Batman", Location: "gotham", Health: 80, Patrolling: true,
		Version: crdt.Version{Assigned: 0x0198_2f0a_0000_0000, Replica: 7, HLC: 0x0198_2f0a_1388_0002},
	}
	tombstone := crdt.Tombstone{ID: crdttest.IDOf(1), Version: crdt.Version{Assigned: 5, Replica: 6, HLC: 7}}
	both := crdt.Entries{Heroes: []crdt.Hero{hero}, Tombstones: []crdt.Tombstone{tombstone}}
	state := crdt.NewState()
	state.Merge(both, crdt.NoHorizon)
	hello := Hello{Incarnation: 0x0198_2f09_0000_0001, Summary: state.Summary(), Now: 0x0198_2f0a_2710_0000}
	cells := state.AppendCells(nil, sketch.CellsMin)
	return map[string]Message{
		"hello":                {kind: KindHello, hello: hello},
		"hello of a new city":  {kind: KindHello, hello: Hello{Incarnation: 1, Now: 1}},
		"same":                 {kind: KindSame, hello: hello},
		"differ":               {kind: KindDiffer, hello: hello, prefix: sketch.AppendSample(nil, cells)},
		"ask":                  {kind: KindAsk, cells: 300},
		"ask for an audit":     {kind: KindAsk, cells: 256, audit: Audit{Salt: 1 << 63, Parts: 64}},
		"sketch, whole":        {kind: KindSketch, hello: hello, prefix: sketch.AppendPrefix(nil, cells[:12])},
		"sketch, a part":       {kind: KindSketch, hello: hello, prefix: sketch.AppendPrefix(nil, cells[:2]), more: true},
		"want":                 {kind: KindWant, symbols: []uint64{1, 1 << 63}},
		"want of an audit":     {kind: KindWant, symbols: []uint64{7}, audit: Audit{Parts: 1}},
		"found":                {kind: KindFound, incarnation: 9, entries: both},
		"found, more to come":  {kind: KindFound, incarnation: 9, entries: both, more: true},
		"found, replaced":      {kind: KindFound, incarnation: 9, replaced: both, unknown: 3},
		"pull at the start":    {kind: KindPull},
		"pull at a cursor":     {kind: KindPull, cursor: 0x1_0000_0002},
		"page with more":       {kind: KindPage, incarnation: 9, entries: both, cursor: 0x1_0000_0002, more: true},
		"page with more at 0":  {kind: KindPage, incarnation: 9, entries: both, more: true},
		"last page":            {kind: KindPage, incarnation: 9, entries: crdt.Entries{Heroes: both.Heroes}},
		"empty page":           {kind: KindPage, incarnation: 9},
		"page, an empty array": {kind: KindPage, incarnation: 9, entries: crdt.Entries{Heroes: []crdt.Hero{}}},
		"push":                 {kind: KindPush, entries: crdt.Entries{Tombstones: both.Tombstones}},
		"done":                 {kind: KindDone, changed: 1, skipped: 0},
		"agreed":               {kind: KindAgreed, incarnation: 9, changed: 300, skipped: 2},
		"unavailable":          {kind: KindUnavailable},
	}
}

// malformed has encodings that no correct program sends, in hex.
func malformed() []vector {
	return []vector{
		{Name: "nothing", Rule: "a message is one item", Hex: ""},
		{Name: "two items", Rule: "a message is one item", Hex: "a1010da1010d"},
		{Name: "an array", Rule: "a message is a map", Hex: "8101"},
		{Name: "no kind", Rule: "key 1 must be there", Hex: "a0"},
		{Name: "kind 0", Rule: "the kind is known", Hex: "a10100"},
		{Name: "kind 14", Rule: "the kind is known", Hex: "a1010e"},
		{Name: "kind 269", Rule: "the kind is known", Hex: "a10119010d"},
		{Name: "kind as text", Rule: "the kind is a uint", Hex: "a101616a"},
		{Name: "unknown key", Rule: "no other keys", Hex: "a2010d0f00"},
		{Name: "repeated key", Rule: "no key twice", Hex: "a4010b060707000700"},
		{Name: "pull without a cursor", Rule: "the keys of the kind must be there", Hex: "a10108"},
		{Name: "pull with counts", Rule: "no other keys than those of the kind", Hex: "a3010803000600"},
		{Name: "agreed without an incarnation", Rule: "the keys of the kind must be there", Hex: "a3010c06000700"},
		{Name: "null cursor", Rule: "a cursor is a uint", Hex: "a2010803f6"},
		{Name: "negative cursor", Rule: "a cursor is a uint", Hex: "a201080320"},
		{Name: "long kind", Rule: "integers are minimal", Hex: "a101180d"},
		{Name: "keys out of order", Rule: "keys are sorted", Hex: "a3010b07000607"},
		{Name: "indefinite map", Rule: "no indefinite lengths", Hex: "bf010dff"},
		{Name: "tagged", Rule: "no tags", Hex: "c0a1010d"},
		{Name: "float", Rule: "no floats", Hex: "a2010803f90000"},
		{Name: "cut", Rule: "a message is complete", Hex: "a20108"},
		{Name: "symbols of 9 bytes", Rule: "a symbol has 8 bytes", Hex: "a201060b49" + strings.Repeat("01", 9)},
		{Name: "audit of no part", Rule: "an audit is of a part of the ids", Hex: "a30104080a0aa201010200"},
		{Name: "audit that is none", Rule: "an optional key says something", Hex: "a30104080a0aa201000200"},
		{Name: "audit of one in 65537", Rule: "an audit is of one in 65536 at the least", Hex: "a30104080a0aa20101021a00010001"},
		{Name: "more that is false", Rule: "an optional key says something", Hex: "a4010704a005090ef4"},
		{Name: "no unknown ones, said", Rule: "an optional key says something", Hex: "a4010704a005090d00"},
		{Name: "no replaced ones, said", Rule: "an optional key says something", Hex: "a4010704a005090ca0"},
		{
			Name: "hello without a clock", Rule: "a hello has three fields",
			Hex: "a2010102a2010102a3010002000350" + strings.Repeat("00", 16),
		},
		{
			Name: "hello that announces a fourth field", Rule: "lengths are true",
			Hex: "a2010102a4010102a3010002000350" + strings.Repeat("00", 16) + "0301",
		},
		{
			Name: "digest of 15 bytes", Rule: "a digest has 16 bytes",
			Hex: "a2010102a3010102a301000200034f" + strings.Repeat("00", 15) + "0301",
		},
		{
			Name: "summary with a long integer", Rule: "integers are minimal",
			Hex: "a2010102a3010102a30118000200035" + "0" + strings.Repeat("00", 16) + "0301",
		},
		{
			Name: "summary with an unknown key", Rule: "no other keys",
			Hex: "a2010102a3010102a4010002000350" + strings.Repeat("00", 16) + "04000301",
		},
		{
			Name: "push of a hero with health 0", Rule: "entries are valid",
			Hex: "a2010a04a1018188" + "50" + strings.Repeat("01", 16) + "6141" + "64686f6d65" + "00" + "f4" + "000000",
		},
		{
			Name: "push of a tombstone with assigned > hlc", Rule: "entries are valid",
			Hex: "a2010a04a1028184" + "50" + strings.Repeat("01", 16) + "050000",
		},
		{Name: "push of more than there is", Rule: "lengths are true", Hex: "a2010a04a1029b00000001000000008450"},
	}
}

func vectors(t *testing.T) (all []vector) {
	t.Helper()
	named := messages()
	for _, name := range slices.Sorted(maps.Keys(named)) {
		b, err := named[name].Encode()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, vector{Name: name, Rule: "the form of " + named[name].kind.String(), Hex: hex.EncodeToString(b), Valid: true})
	}
	all = append(all, malformed()...)
	schema := readSchema(t)
	for i, v := range all {
		all[i].Kind = "message"
		b, err := hex.DecodeString(v.Hex)
		if err != nil {
			t.Fatalf("%s: %v", v.Name, err)
		}
		if all[i].Diag, err = cbor.Diagnose(b); err != nil {
			all[i].Diag = ""
		}
		if !v.Valid {
			all[i].Consequence = "strike"
			all[i].Form = schema.Check("message", b) == nil
		}
	}
	return all
}

// readSchema returns the schema of the wire.
func readSchema(t *testing.T) *cddl.Schema {
	t.Helper()
	text, err := os.ReadFile(schemaPath)
	if err != nil {
		t.Fatal(err)
	}
	schema, err := cddl.Parse(string(text), cddl.Anything)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func TestTheVectorsAreWhatTheCodecDoes(t *testing.T) {
	want, err := json.MarshalIndent(vectors(t), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if *update {
		if err := os.WriteFile(vectorsPath, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(vectorsPath)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what the codec does; go test -run %s -update", vectorsPath, t.Name())
	}
	for _, v := range vectors(t) {
		b, _ := hex.DecodeString(v.Hex)
		m, err := Decode(b)
		switch {
		case v.Valid && err != nil:
			t.Errorf("%s: %v", v.Name, err)
		case v.Valid:
			if again, err := m.Encode(); err != nil || !bytes.Equal(again, b) {
				t.Errorf("%s: encoded again %x, %v, want %x", v.Name, again, err, b)
			}
		case !errors.Is(err, ErrProtocol):
			t.Errorf("%s: Decode = %v, %v, want ErrProtocol", v.Name, m, err)
		}
	}
}

func TestMessagesSurviveTheWire(t *testing.T) {
	for name, m := range messages() {
		if got := throughWire(m); !reflect.DeepEqual(got, m) {
			t.Errorf("%s: got %+v, want %+v", name, got, m)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		m := Message{kind: KindPush, entries: crdttest.Entries().Draw(t, "entries")}
		if got := throughWire(m); !reflect.DeepEqual(got, m) {
			t.Errorf("got %+v, want %+v", got, m)
		}
	})
}

func TestAnOversizeMessageIsNeitherSentNorRead(t *testing.T) {
	m := Message{kind: KindPush, entries: crowdOf(0, 20_000)}
	if b, err := m.Encode(); err == nil {
		t.Errorf("encoded %d bytes", len(b))
	}
	if _, err := Decode(make([]byte, MessageBytesMax+1)); !errors.Is(err, ErrProtocol) {
		t.Errorf("decode: %v, want ErrProtocol", err)
	}
}

func TestAFullPageFitsAMessage(t *testing.T) {
	state := newFakeReplica(64 << 10)
	state.state.Merge(crowdOf(0, 20_000), crdt.NoHorizon)
	page, _ := state.Page(t.Context(), 0)
	entries, err := crdt.DecodeEntries(page.Encoded)
	if err != nil {
		t.Fatal(err)
	}
	twice := crdt.Entries{Tombstones: append(entries.Tombstones, entries.Tombstones...)}
	b, err := Message{kind: KindPush, entries: twice}.Encode()
	if err != nil || !page.More {
		t.Fatal(err, page.More)
	}
	if _, err := Decode(b); err != nil {
		t.Error(err)
	}
}

func FuzzDecode(f *testing.F) {
	for _, m := range messages() {
		b, err := m.Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	for _, v := range malformed() {
		b, _ := hex.DecodeString(v.Hex)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Decode(b)
		if err != nil {
			if !errors.Is(err, ErrProtocol) || !m.IsZero() {
				t.Errorf("Decode = %v, %v, want no message and ErrProtocol", m, err)
			}
			return
		}
		if again, err := m.Encode(); err != nil || !bytes.Equal(again, b) {
			t.Errorf("encoded again %x, %v", again, err)
		}
		if err := errors.Join(m.entries.Validate(), m.replaced.Validate()); err != nil {
			t.Errorf("decoded malformed entries: %v", err)
		}
	})
}
