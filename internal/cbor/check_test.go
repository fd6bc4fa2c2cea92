package cbor

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"math/big"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"
)

// The tables are after appendices A and F of RFC 8949.
var (
	accepted = []string{
		"00", "17", "1818", "1800", "190000", "1a00000000", "1bffffffffffffffff", "20", "3bffffffffffffffff",
		"40", "4401020304", "580101", "60", "6161", "62c3bc", "7801ff"[:4] + "61", "f4", "f5", "f6",
		"80", "83010203", "980101", "9b000000000000000101", "a0", "a10102", "a201020304", "a203040102", "a2616101616202", "a2200100" + "01", "b8010000",
		"8181818181818180", "a101a101a101a101a101a101a101a0", "a21b7fffffffffffffff003b7fffffffffffffff00",
	}
	notAllowed = map[string]string{
		"c000": "tag", "c0a0": "tag", "d9d9f700": "tag", "81c100": "tag", "a1c10000": "tag",
		"f90000": "float", "fa00000000": "float", "fb0000000000000000": "float", "81f97e00": "float",
		"f7": "simple", "e0": "simple", "f820": "simple", "f8ff": "simple",
		"5fff": "indefinite", "5f4100ff": "indefinite", "7fff": "indefinite", "7f6161ff": "indefinite",
		"9fff": "indefinite", "9f00ff": "indefinite", "bfff": "indefinite", "bf0000ff": "indefinite", "9f9fffff": "indefinite", "819fff": "indefinite",
		"61ff": "UTF-8", "62eda0": "UTF-8", "64f4908080": "UTF-8", "62c080": "UTF-8",
		"a2010201" + "03": "repeated", "a20102180103": "repeated", "a2616100616100": "repeated", "a26161007801" + "6100": "repeated",
		"a3020001000200": "repeated", "81a201000100": "repeated", "a101a200000000": "repeated", "a2200020" + "00": "repeated",
		"a14000": "key", "a18000": "key", "a1a000": "key", "a1f400": "key", "a1f600": "key", "a11b800000000000000000": "key", "a13b800000000000000000": "key",
		"818181818181818180": "nesting", "a101a101a101a101a101a101a101a101a0": "nesting", "8181818181818181" + "9fff": "indefinite",
		strings.Repeat("81", 5000): "nesting",
	}
	notWellFormed = []string{
		"", "18", "19", "1900", "1a000000", "1b00000000000000", "38", "58", "5801", "41", "61", "78", "98", "9801", "81", "8200", "b8", "a1", "a100",
		"a2010200", "c0", "f8", "f9", "f900", "fa0000", "fb00000000000000",
		"1c", "1d", "1e", "3c", "5c", "7d", "9e", "bc", "dd", "fc", "fd", "fe",
		"1f", "3f", "df", "ff", "81ff", "a1ff", "a100ff", "bf00ff", "82ff00", "9f81ff", "c1ff", "9fc1ff",
		"5f", "5f00ff", "5f6161ff", "5f5f4100ffff", "7f4100ff", "7f7f6161ffff", "5f4100", "9f", "9f00", "bf", "bf0000", "bf00",
		"f800", "f818", "f81f", "81f800",
		"0000", "a000", "8000ff", "9bffffffffffffffff", "bbffffffffffffffff", "bb8000000000000000", "5bffffffffffffffff", "7b7fffffffffffffff61", "c000" + "00",
		"c1", "81c1", "9f9fff", "a2010002",
	}
)

func TestCheckAcceptsWhatMayBeSent(t *testing.T) {
	for _, item := range accepted {
		if err := check(unhex(t, item)); err != nil {
			t.Errorf("%s: %v", item, err)
		}
	}
}

func TestCheckRefusesWellFormedItemsThatBreakARule(t *testing.T) {
	for item, rule := range notAllowed {
		err := check(unhex(t, item))
		if err == nil || errors.Is(err, ErrNotWellFormed) || !strings.Contains(err.Error(), rule) {
			t.Errorf("%.40s: %v, want one about %s", item, err, rule)
		}
	}
}

func TestCheckTellsWhatIsNotWellFormed(t *testing.T) {
	for _, item := range notWellFormed {
		if err := check(unhex(t, item)); !errors.Is(err, ErrNotWellFormed) {
			t.Errorf("%s: %v", item, err)
		}
	}
}

func TestRepeatedKeysAreFoundInLargeMaps(t *testing.T) {
	const pairs = 5000
	item := []byte{0xb9, pairs >> 8, pairs & 0xff}
	for i := range pairs {
		key := (i * 4999) % pairs // all of them, shuffled
		item = append(item, 0x19, byte(key>>8), byte(key), 0x00)
	}
	if err := check(item); err != nil {
		t.Fatal(err)
	}
	copy(item[len(item)-4:], []byte{0x19, 0x01, 0x00, 0x00})
	if check(item) == nil {
		t.Fatal("a repeated key among many was let pass")
	}
}

func TestCheckAllocatesNothingForSortedKeys(t *testing.T) {
	item := unhex(t, "a201a3010a02001903e8f50282"+"6161"+"4401020304")
	if n := testing.AllocsPerRun(100, func() { _ = check(item) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// nestingMax is that of the project's wire.
const nestingMax = 8

func check(b []byte) error { return Check(b, nestingMax) }

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// wellFormedness is the library's view of RFC 8949 alone, allValues its view
// with the rules that it knows.
var (
	wellFormedness = mode(cbor.DecOptions{
		MaxNestedLevels: 65535, MaxArrayElements: 1 << 30, MaxMapPairs: 1 << 30,
	})
	allValues = mode(cbor.DecOptions{
		DupMapKey: cbor.DupMapKeyEnforcedAPF, IndefLength: cbor.IndefLengthForbidden, TagsMd: cbor.TagsForbidden,
		UTF8: cbor.UTF8RejectInvalid, MaxNestedLevels: nestingMax, MaxArrayElements: 1 << 30, MaxMapPairs: 1 << 30,
	})
)

func mode(o cbor.DecOptions) cbor.DecMode {
	m, err := o.DecMode()
	if err != nil {
		panic(err) // the options are constants
	}
	return m
}

// FuzzCheck compares Check with the library in both directions: they agree on
// what is well-formed; what Check accepts the library decodes, and writes again
// as something that Check accepts; what Check refuses the library refuses too,
// or there is something in it that only Check forbids.
func FuzzCheck(f *testing.F) {
	for _, items := range [][]string{accepted, notWellFormed, slices.Collect(maps.Keys(notAllowed))} {
		for _, item := range items {
			f.Add(unhex(f, item))
		}
	}
	for _, seed := range vectors(f) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		err := check(b)
		syntaxErr := wellFormedness.Wellformed(b)
		if syntaxErr == nil && err != nil && strconv.IntSize == 32 {
			return // there the library takes a length over 2^31 for a small one
		}
		if (syntaxErr != nil) != errors.Is(err, ErrNotWellFormed) && !stoppedEarly(b) {
			t.Fatalf("%x: Check says %v, the library %v", b, err, syntaxErr)
		}
		var v any
		valueErr := allValues.Unmarshal(b, &v)
		switch {
		case err == nil && valueErr != nil:
			t.Fatalf("%x: accepted, but the library says %v", b, valueErr)
		case err != nil && valueErr == nil && !onlyForbiddenHere(v):
			t.Fatalf("%x: refused with %v, but is %v", b, err, v)
		case err == nil:
			again, err := cbor.Marshal(v)
			if err == nil {
				err = check(again)
			}
			if err != nil {
				t.Fatalf("%x, rewritten as %x: %v", b, again, err)
			}
		}
	})
}

// stoppedEarly reports whether Check does not look at all of b, for it is too deep.
func stoppedEarly(b []byte) bool {
	w := walk{b: b}
	w.item(nestingMax)
	return w.stopped && w.malformed == nil
}

// vectors returns the items of the test vectors of the wire.
func vectors(f *testing.F) (items [][]byte) {
	text, err := os.ReadFile("../../docs/wire/vectors.json")
	if err != nil {
		f.Fatal(err)
	}
	var all []struct {
		Hex string `json:"hex"`
	}
	if err := json.Unmarshal(text, &all); err != nil {
		f.Fatal(err)
	}
	for _, v := range all {
		items = append(items, unhex(f, v.Hex))
	}
	return items
}

// onlyForbiddenHere reports whether v has something in it that the library
// accepts and Check does not: a float, a simple value, or a key of another kind.
func onlyForbiddenHere(v any) bool {
	switch v := v.(type) {
	case []any:
		return slices.ContainsFunc(v, onlyForbiddenHere)
	case map[any]any:
		for key, value := range v {
			if onlyForbiddenKey(key) || onlyForbiddenHere(value) {
				return true
			}
		}
		return false
	case bool, uint64, int64, big.Int, string, []byte:
		return false
	}
	return true // nil is null or undefined
}

func onlyForbiddenKey(key any) bool {
	switch key := key.(type) {
	case string, int64:
		return false
	case uint64:
		return key > math.MaxInt64
	}
	return true
}
