package cddl

import (
	"slices"
	"strings"
	"testing"
)

func TestWhatIsNoCDDLOrIsNotReadHereIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                                    "no rule",
		"; a comment":                         "no rule",
		"a":                                   "want =",
		"a =":                                 "want a type",
		"= uint":                              "want the name of a rule",
		"a = uint uint":                       "want the next rule",
		"a = [uint":                           "want ]",
		"a = {1 => uint":                      "want }",
		"a = (uint":                           "want )",
		"a = {1 => heroes: uint}":             "want a type, got :", // a name behind an arrow
		"a = {uint}":                          "without a key",
		"a = {1 ^ uint}":                      "",
		"a = b":                               "no rule is called b",
		"a = uint\nb = uint":                  "nothing refers to b",
		"a = uint\na = tstr":                  "has a rule already",
		"a = uint\na /= tstr":                 "added to",
		"a = #6.24(bstr)":                     "no part of CDDL",
		"a = ~uint":                           "no part of CDDL",
		"a = uint .bits uint":                 ".bits is not read here",
		"a = tstr .regexp \"(\"":              "line 1",
		"a = tstr .regexp 1":                  "wants a text",
		"a = 1..\"x\"":                        "between two integers",
		"a = h'0'":                            "line 1",
		"a = \"\\q\"":                         "line 1",
		"a = [\n  uint,\n  1 => => uint\n]\n": "line 3",
	} {
		_, err := Parse(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestRulesAreListedInTheirOrder(t *testing.T) {
	s, err := Parse("c = a / b ; of a\na = 1 b = 2\n", "a")
	if err != nil || !slices.Equal(s.Rules(), []string{"c", "a", "b"}) {
		t.Error(s, err)
	}
}

func TestARootMustBeARule(t *testing.T) {
	if _, err := Parse("a = uint", "b"); err == nil {
		t.Error("b is no rule")
	}
}

func FuzzParse(f *testing.F) {
	f.Add("a = {1 => [* uint], ? 2 ^ => tstr .size (1..4), b} b = (* int => any // 3 => a)")
	f.Add("a = 0x10..0b11 / -1 / h'00' / \"\\u00e9\" ; x")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(text, Anything)
		if err != nil {
			return
		}
		for _, name := range s.Rules() {
			for _, item := range []string{"\x00", "\x81\x00", "\xa1\x01\x00", "\x61a"} {
				_ = s.Check(name, []byte(item)) // whatever it says, it ends
			}
		}
	})
}
