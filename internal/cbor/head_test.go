package cbor

import (
	"bytes"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"pgregory.net/rapid"
)

// arguments are numbers on both sides of every border between the forms of a
// head.
var arguments = []uint64{0, 1, 23, 24, 255, 256, 1<<16 - 1, 1 << 16, 1<<32 - 1, 1 << 32, 1<<64 - 1}

func TestEveryHeadIsReadAsItWasAppended(t *testing.T) {
	for _, m := range []Major{Uint, Negative, Bytes, Text, Array, Map, Tag} {
		for _, arg := range arguments {
			b := AppendHead([]byte{0xff}, m, arg)
			first, got, next := Head(b, 1)
			if MajorOf(first) != m || got != arg || next != len(b) || next-1 != HeadSize(arg) {
				t.Errorf("%s of %d: %x is read as %s of %d up to %d", m, arg, b, MajorOf(first), got, next)
			}
			for cut := 1; cut < len(b); cut++ {
				if _, _, next := Head(b[:cut], 1); next != 0 {
					t.Errorf("%s of %d: a head was found in %x", m, arg, b[:cut])
				}
			}
		}
	}
}

func TestReservedAndIndefiniteFirstBytesAreNoHeads(t *testing.T) {
	for first := range 256 {
		b := append([]byte{byte(first)}, make([]byte, 8)...)
		if _, _, next := Head(b, 0); (next == 0) != (first&31 > 27) {
			t.Errorf("first byte %#02x: the head ends at %d", first, next)
		}
	}
}

func TestWhatIsAppendedIsWhatALibraryWrites(t *testing.T) {
	mode, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		n, flag := rapid.Uint64().Draw(t, "number"), rapid.Bool().Draw(t, "flag")
		part, text := rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"), rapid.String().Draw(t, "text")
		got := AppendHead(nil, Array, 4)
		got = AppendText(AppendBytes(AppendBool(AppendUint(got, n), flag), part), text)
		want, err := mode.Marshal([]any{n, flag, part, text})
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("appended %x, want %x, %v", got, want, err)
		}
	})
}
