package main

import (
	"slices"
	"strings"
	"testing"
)

func TestALikenessKeepsTheWordsThatAreMostLike(t *testing.T) {
	names := []string{"gotham", "metropolis", "gotham-2", "goham", "central", "GOTHAM", strings.Repeat("gotham", 40), "gtoham"}
	for _, tc := range []struct {
		word string
		want []string
	}{
		{"gotham", []string{"GOTHAM", "gotham", "goham"}},
		{"gothma", []string{"GOTHAM", "gotham", "goham"}},
		{"metropolsi", []string{"metropolis"}},
		{"star", []string{}},
		{"go", []string{}},
		{"", []string{}},
	} {
		if got := likeOnes(tc.word, names); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %q, want %q", tc.word, got, tc.want)
		}
	}
}

func TestEditsAreCountedUpToABound(t *testing.T) {
	for _, tc := range []struct {
		a, b  string
		edits int
	}{
		{"", "", 0},
		{"a", "", 1},
		{"abc", "abc", 0},
		{"abc", "acb", 1},
		{"abc", "abcd", 1},
		{"abcd", "abc", 1},
		{"über", "uber", 1},
		{"kitten", "sitting", 3},
		{"kitten", "knitting", 3},
	} {
		most := 5
		if got := editsBetween([]rune(tc.a), []rune(tc.b), most); got != tc.edits {
			t.Errorf("%s, %s: %d, want %d", tc.a, tc.b, got, tc.edits)
		}
	}
}
