package crdt_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/citynode/citynode/crdt"
)

// forbiddenRanges repeats the frozen list, so that a change of it is seen.
var forbiddenRanges = [][2]rune{
	{0x0000, 0x001F},
	{0x007F, 0x009F},
	{0x00AD, 0x00AD},
	{0x034F, 0x034F},
	{0x061C, 0x061C},
	{0x115F, 0x1160},
	{0x17B4, 0x17B5},
	{0x180B, 0x180F},
	{0x200B, 0x200F},
	{0x2028, 0x202E},
	{0x2060, 0x206F},
	{0x3164, 0x3164},
	{0xFE00, 0xFE0F},
	{0xFEFF, 0xFEFF},
	{0xFFA0, 0xFFA0},
	{0xFFF0, 0xFFFB},
	{0x1BCA0, 0x1BCA3},
	{0x1D173, 0x1D17A},
	{0xE0000, 0xE0FFF},
}

func TestHeroNamesRefuseEachForbiddenRangeToItsEdges(t *testing.T) {
	for _, r := range forbiddenRanges {
		for _, c := range []rune{r[0], r[1]} {
			err := crdt.ValidateHeroName("a" + string(c))
			if !errors.Is(err, crdt.ErrMalformed) || !strings.Contains(err.Error(), fmt.Sprintf("%U ", c)) {
				t.Errorf("%U: %v", c, err)
			}
		}
		for _, c := range []rune{r[0] - 1, r[1] + 1} {
			if c < 0 {
				continue
			}
			if err := crdt.ValidateHeroName("a" + string(c)); err != nil {
				t.Errorf("%U: %v", c, err)
			}
		}
	}
}

func TestHeroNamesRefuseExactlyTheFrozenCodePoints(t *testing.T) {
	for c := rune(0); c <= utf8.MaxRune; c++ {
		if !utf8.ValidRune(c) {
			continue
		}
		want := true
		for _, r := range forbiddenRanges {
			want = want && (c < r[0] || c > r[1])
		}
		if got := crdt.ValidateHeroName("a"+string(c)) == nil; got != want {
			t.Fatalf("%U accepted: %v, want %v", c, got, want)
		}
	}
}

func TestHeroNames(t *testing.T) {
	for _, tc := range []struct {
		name string
		ok   bool
	}{
		{"a", true},
		{"", false},
		{" ", false},
		{strings.Repeat(" ", 64), false},
		{" a ", true},
		{strings.Repeat("a", 64), true},
		{strings.Repeat("a", 65), false},
		{strings.Repeat("é", 32), true},
		{strings.Repeat("é", 32) + "a", false},
		{"Zoë 超人 🦸", true},
		{"\uFFFD", true}, // the replacement character itself is valid UTF-8
		{"a\xff", false},
		{"\xc0\x80", false},         // over-long
		{"\xed\xa0\x80", false},     // a surrogate
		{"\xf4\x90\x80\x80", false}, // beyond U+10FFFF
		{"a\xe2\x82", false},        // cut
	} {
		err := crdt.ValidateHeroName(tc.name)
		if (err == nil) != tc.ok || err != nil && !errors.Is(err, crdt.ErrMalformed) {
			t.Errorf("%q: %v", tc.name, err)
		}
	}
}

func TestCityNamesAreLabelsButHome(t *testing.T) {
	for _, tc := range []struct {
		name           string
		city, location bool
	}{
		{"a", true, true},
		{"0", true, true},
		{"gotham-2", true, true},
		{"a--b", true, true},
		{strings.Repeat("a", 63), true, true},
		{"home", false, true},
		{"home2", true, true},
		{"", false, false},
		{strings.Repeat("a", 64), false, false},
		{"-a", false, false},
		{"a-", false, false},
		{"-", false, false},
		{"Home", false, false},
		{"a.b", false, false},
		{"a b", false, false},
		{"a_b", false, false},
		{"é", false, false},
		{"a\x00", false, false},
	} {
		city, location := crdt.ValidateCityName(tc.name), crdt.ValidateLocation(tc.name)
		if (city == nil) != tc.city || (location == nil) != tc.location {
			t.Errorf("%q: city %v, location %v", tc.name, city, location)
		}
		for _, err := range []error{city, location} {
			if err != nil && !errors.Is(err, crdt.ErrMalformed) {
				t.Errorf("%q: %v does not match ErrMalformed", tc.name, err)
			}
		}
	}
}
