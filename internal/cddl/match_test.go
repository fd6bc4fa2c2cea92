package cddl

import (
	"encoding/hex"
	"strings"
	"testing"
)

// check parses a schema whose first rule is a, and checks an item in hex.
func check(t *testing.T, schema, item string) error {
	t.Helper()
	s, err := Parse(schema)
	if err != nil {
		t.Fatalf("%s: %v", schema, err)
	}
	b, err := hex.DecodeString(strings.ReplaceAll(item, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return s.Check("a", b)
}

func TestItemsMatchAsTheRFCSays(t *testing.T) {
	for _, c := range []struct {
		schema, good, bad string // items in hex, separated by commas
	}{
		{"a = uint", "00, 1bffffffffffffffff", "20, 40, 80, f5"},
		{"a = nint / bstr", "20, 40", "00, 60"},
		{"a = bool", "f4, f5", "f6, 00"},
		{"a = 1..100", "01, 1864", "00, 1865, 20"},
		{"a = 1...100", "1863", "1864"},
		{"a = -9223372036854775808..9223372036854775807", "3b7fffffffffffffff, 1b7fffffffffffffff", "3b8000000000000000, 1b8000000000000000"},
		{"a = uint .size 1", "00, 18ff", "190100, 20"},
		{"a = bstr .size 2", "420102", "4101, 43010203"},
		{"a = tstr .size (1..2)", "6161, 62c3a9", "60, 63616263"},
		{`a = tstr .regexp "[a-z]+"`, "6161", "60, 6141, 626131"},
		{"a = (uint .size 8) .ge 1", "01", "00"},
		{`a = tstr .ne "home"`, "6161", "64686f6d65, 00"},
		{"a = 1 / \"x\" / h'0102' / true / null", "01, 6178, 420102, f5, f6", "02, 6179, 420103, f4"},
		// arrays
		{"a = [uint, name: tstr, ? bool]", "82006161, 83006161f5", "8100, 820000, 83006161, 84006161f5f5"},
		{"a = [* uint]", "80, 830000 00", "8161"},
		{"a = [+ uint]", "8100", "80"},
		{"a = [2*3 uint]", "820000, 83000000", "8100, 8400000000"},
		{"a = [p, uint]\np = (tstr, bool // tstr)", "836161f500, 82616100", "836161f5f5, 8100"},
		{"a = [* (uint, tstr)]", "80, 8400616100 6161", "8100, 8300616100"},
		// maps
		{"a = {1 => uint, ? 2 => tstr}", "a10100, a201000261 61, a202616101 00", "a0, a10161, a2010002 00, a201000300"},
		{"a = {k: uint}", "a1616b00", "a1616b6161, a10100"},
		// RFC 8610, 3.5.4: without a cut a key that is named may still be an extension
		{"a = {? 1 => uint, * int => tstr}", "a1016161, a0", "a101f5"},
		{"a = {? 1 ^ => uint, * int => tstr}", "a10100, a2010002 6161", "a1016161"},
		{"a = {? 1: uint, * int => tstr}", "a10100", "a1016161"},
		{"a = {(1 => uint, 2 => uint // 1 => uint)}", "a10100, a201000200", "a0, a10200"},
		// a group of nothing is not tried until all work is spent, which g needs too
		{"a = {* (? 1 => uint), g}\ng = (2 => uint)", "a10200, a201000200", "a0, a10100"},
		{"a = {(1 => uint // 2 => tstr), 3 => bool}", "a2010003f5, a202616103f5", "a103f5, a30100026161 03f5"},
		{"a = {g, e}\ng = (1 => \"x\", 2 => uint // 1 => \"y\")\ne = (* tstr => uint)", "a2016178 0200, a1016179, a201617961 7a 00", "a1016178, a20161790200"},
		{"a = {1 => b} / [* b]\nb = uint / a", "a10100, a101a10100, 82 00 a101 80", "a10161, 8161"},
	} {
		for _, item := range strings.Split(c.good, ",") {
			if err := check(t, c.schema, item); err != nil {
				t.Errorf("%s: %s: %v", c.schema, item, err)
			}
		}
		for _, item := range strings.Split(c.bad, ",") {
			if check(t, c.schema, item) == nil {
				t.Errorf("%s: %s matches", c.schema, item)
			}
		}
	}
}

func TestARuleThatOnlyRefersToItselfMatchesNothing(t *testing.T) {
	if check(t, "a = b / a\nb = a / c\nc = uint", "80") == nil {
		t.Error("it matches")
	}
}

func TestTheErrorSaysWhere(t *testing.T) {
	err := check(t, "a = {1 => [* {2 => uint}]}", "a1 01 82 a10200 a10261 61")
	if err == nil || !strings.Contains(err.Error(), "key 1: element 1: key 2: \"a\" is not uint") {
		t.Error(err)
	}
}

func TestWhatIsNoItemMatchesNothing(t *testing.T) {
	for _, item := range []string{"", "0000", "a2010001 00", "c100", "f90000", "9f00ff", "ff"} {
		if check(t, "a = any", item) == nil {
			t.Errorf("%s matches", item)
		}
	}
}
