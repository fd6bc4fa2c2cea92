package crdt_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/citynode/citynode/crdt"
)

const idText = "01890a5d-ac96-774b-bcce-b302099a8057"

func anyID() *rapid.Generator[crdt.ID] {
	return rapid.Custom(func(t *rapid.T) (id crdt.ID) {
		copy(id[:], rapid.SliceOfN(rapid.Byte(), len(id), len(id)).Draw(t, "bytes"))
		return id
	})
}

func TestIDTextRoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := anyID().Draw(t, "id")
		for _, text := range []string{id.String(), strings.ToUpper(id.String())} {
			if got, err := crdt.ParseID(text); err != nil || got != id {
				t.Fatalf("ParseID(%q) = %v, %v", text, got, err)
			}
		}
	})
}

func TestParseIDReadsBytesInOrder(t *testing.T) {
	want := crdt.ID{0x01, 0x89, 0x0a, 0x5d, 0xac, 0x96, 0x77, 0x4b, 0xbc, 0xce, 0xb3, 0x02, 0x09, 0x9a, 0x80, 0x57}
	if got, err := crdt.ParseID(idText); err != nil || got != want {
		t.Fatalf("ParseID = %x, %v; want %x", got[:], err, want[:])
	}
}

func TestParseIDRefusesOtherForms(t *testing.T) {
	for _, text := range []string{
		"",
		idText[:35],
		idText + "0",
		"{" + idText + "}",
		"urn:uuid:" + idText,
		strings.ReplaceAll(idText, "-", ""),
		strings.ReplaceAll(idText, "-", ":"),
		"01890a5d-ac96-774b-bccе-b302099a805", // a Cyrillic letter
		"g" + idText[1:],
		idText[:35] + " ",
		"01890a5-dac96-774b-bcce-b302099a8057",
	} {
		if id, err := crdt.ParseID(text); !errors.Is(err, crdt.ErrMalformed) || !id.IsZero() {
			t.Errorf("ParseID(%q) = %v, %v", text, id, err)
		}
	}
}

func TestIDOrderIsThatOfItsBytesAndText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyID().Draw(t, "a"), anyID().Draw(t, "b")
		if a.Compare(b) != bytes.Compare(a[:], b[:]) || a.Compare(b) != strings.Compare(a.String(), b.String()) {
			t.Fatalf("Compare(%v, %v) = %d", a, b, a.Compare(b))
		}
	})
}

func TestIDIsAJSONKey(t *testing.T) {
	id, err := crdt.ParseID(idText)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[crdt.ID]int{id: 1})
	if want := `{"` + idText + `":1}`; err != nil || string(text) != want {
		t.Fatalf("got %s, %v; want %s", text, err, want)
	}
	var back map[crdt.ID]int
	if err := json.Unmarshal(text, &back); err != nil || back[id] != 1 {
		t.Fatalf("got %v, %v", back, err)
	}
	if err := json.Unmarshal([]byte(`{"x":1}`), &back); !errors.Is(err, crdt.ErrMalformed) {
		t.Fatalf("got %v", err)
	}
}

func FuzzParseID(f *testing.F) {
	f.Add(idText)
	f.Add(strings.ToUpper(idText))
	f.Add("{" + idText + "}")
	f.Fuzz(func(t *testing.T, text string) {
		id, err := crdt.ParseID(text)
		if err != nil {
			if !errors.Is(err, crdt.ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		if id.String() != strings.ToLower(text) {
			t.Fatalf("ParseID(%q).String() = %q", text, id)
		}
	})
}
