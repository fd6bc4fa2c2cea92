package cbor

import (
	"bytes"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"
)

// faults are inputs, what is done with them, and the words of the fault.
var faults = []struct {
	name  string
	hex   string
	loose bool
	read  func(*Reader)
	at    int
	want  string
}{
	{"nothing", "", false, func(r *Reader) { r.Uint("") }, 0, "unexpected end"},
	{"a cut argument", "19ff", false, func(r *Reader) { r.Uint("") }, 0, "unexpected end"},
	{"reserved", "1c", false, func(r *Reader) { r.Uint("") }, 0, "reserved"},
	{"indefinite", "5f4100ff", true, func(r *Reader) { r.Bytes("", 0, 9) }, 0, "indefinite"},
	{"longer than minimal", "1817", false, func(r *Reader) { r.Uint("") }, 0, "longer than minimal"},
	{"another type", "60", false, func(r *Reader) { r.Uint("age") }, 0, "age: got text, want uint"},
	{"no boolean", "f6", false, func(r *Reader) { r.Bool("flag") }, 0, "flag: not a boolean"},
	{"too short", "4100", false, func(r *Reader) { r.Bytes("id", 2, 2) }, 0, "id: 1 bytes, want 2 to 2"},
	{"too long", "626161", false, func(r *Reader) { r.Text("name", 1) }, 0, "want 0 to 1"},
	{"cut text", "6261", false, func(r *Reader) { r.Text("name", 9) }, 0, "only 1 left"},
	{"array of more than there is", "9b00000001000000008450", false, func(r *Reader) { r.Array("list", 1) }, 0, "list: 4294967296 claimed"},
	{"array whose bytes overflow", "9b8000000000000000", false, func(r *Reader) { r.Array("list", 2) }, 0, "claimed"},
	{"a fault of the caller behind another", "60", false, func(r *Reader) { r.Uint("a"); r.Failf(5, "b") }, 0, "a: got text"},
	{"a second fault of the caller", "00", false, func(r *Reader) { r.Fail(3, errOddSimple); r.Fail(5, errOddSimple) }, 3, "tag, float"},
	{"map of more than there is", "a20102", false, func(r *Reader) { r.Map("") }, 0, "2 claimed, but only 2 bytes left"},
	{"another number of fields", "820102", false, func(r *Reader) { r.Fields("pair", 3) }, 0, "pair: 2 fields, want 3"},
	{"bytes after the end", "0102", false, func(r *Reader) { r.Uint(""); r.End() }, 1, "1 bytes after the end"},
	{"the first of two", "60f6", false, func(r *Reader) { r.Uint("a"); r.Bool("b") }, 0, "a: got text"},
	{"a tag", "c000", true, (*Reader).Skip, 0, "tag, float"},
	{"undefined", "81f7", true, (*Reader).Skip, 1, "tag, float"},
	{"cut bytes", "824100" + "42", true, (*Reader).Skip, 3, "2 bytes, only 0 left"},
	{"pairs of more than there is", "bbffffffffffffffff", true, (*Reader).Skip, 0, "pairs claimed"},
	{"nested too deep", "81818180", true, (*Reader).Skip, 3, "nested deeper than 4"},
	{"too many elements", "84000000" + "00", true, (*Reader).Skip, 0, "4 elements, at most 3"},
}

func TestAReaderTellsTheFirstFaultAndItsPlace(t *testing.T) {
	for _, c := range faults {
		r := NewReader(unhex(t, c.hex), Limits{Loose: c.loose, Nesting: 4, Elements: 3})
		c.read(&r)
		err := r.Err()
		if err == nil || err.Offset != c.at || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q at byte %d", c.name, err, c.want, c.at)
		}
	}
}

func TestAfterAFaultNothingIsRead(t *testing.T) {
	r := NewReader(unhex(t, "01f5416180a0"), Limits{Nesting: 1})
	r.Bool("")
	at := r.At()
	r.Skip()
	if n := r.Uint(""); n != 0 || r.Bool("") || r.Bytes("", 0, 9) != nil || r.Array("", 1) != 0 || r.Item() != nil || r.At() != at {
		t.Errorf("something was read after a fault; at %d, was at %d", r.At(), at)
	}
	if _, ok := r.Peek(); ok || !r.Failed() {
		t.Error("a reader forgot its fault")
	}
}

func TestALooseReaderTakesEveryFormOfAHead(t *testing.T) {
	for _, item := range []string{"05", "1805", "190005", "1a00000005", "1b0000000000000005"} {
		r := NewReader(unhex(t, item), Limits{Loose: true})
		if n := r.Uint(""); n != 5 || r.Failed() || r.Left() != 0 {
			t.Errorf("%s is read as %d, %v", item, n, r.Err())
		}
	}
}

// FuzzReader skips an item as a library does that looks for well-formedness
// alone, and reads it without a fault that Check would not have found.
func FuzzReader(f *testing.F) {
	for _, c := range faults {
		f.Add(unhex(f, c.hex))
	}
	for _, item := range accepted {
		f.Add(unhex(f, item))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r := NewReader(b, Limits{Loose: true, Nesting: 1 + nestingMax})
		item := r.Item()
		if err := r.Err(); err != nil {
			if err.Offset > len(b) || check(b) == nil {
				t.Fatalf("%x: %v, but Check says %v", b, err, check(b))
			}
			return
		}
		rest, err := wellFormedness.UnmarshalFirst(b, new(cbor.RawMessage))
		if err != nil || !bytes.Equal(rest, r.Rest()) || len(item)+len(rest) != len(b) {
			t.Fatalf("%x: an item of %d bytes, then %x; the library: %x, %v", b, len(item), r.Rest(), rest, err)
		}
	})
}
