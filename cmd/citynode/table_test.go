package main

import (
	"strings"
	"testing"
)

func TestATableIsAlignedByCells(t *testing.T) {
	table := table{head: []string{"NAME", "PLACE"}}
	for _, name := range []string{"Batman", "超人", "Zoë", "Zoe\u0308", "🦸", "👍🏽", "❤\ufe0f", "🇩🇪", ""} {
		table.add(name, "gotham")
	}
	var out strings.Builder
	if err := table.writeWithin(&out, 0); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out.String()) {
		before, _, _ := strings.Cut(strings.Replace(line, "PLACE", "gotham", 1), "gotham")
		if n := cellWidth(before); n != len("Batman")+columnGap {
			t.Errorf("%q begins its second column at %d", line, n)
		}
	}
}

func TestATableFitsTheWidth(t *testing.T) {
	table := table{head: []string{"CITY", "PEER", "ADDRESSES"}}
	table.add("gotham", "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN", strings.Repeat("/ip4/127.0.0.1/tcp/4001 ", 8))
	table.add("metropolis", strings.Repeat("超", 40), strings.Repeat("👨\u200d👩\u200d👧", 30))
	for _, width := range []int{200, 80, 40, 30, 28} {
		var out strings.Builder
		if err := table.writeWithin(&out, width); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(out.String()) {
			if n := cellWidth(strings.TrimSuffix(line, "\n")); n > width {
				t.Errorf("of %d cells a line has %d: %q", width, n, line)
			}
		}
		if !strings.Contains(out.String(), "gotham ") || !strings.Contains(out.String(), "…") {
			t.Errorf("%d cells:\n%s", width, out.String())
		}
	}
}

func TestATableThatIsNarrowLosesNothing(t *testing.T) {
	table := table{head: []string{"A", "B"}}
	table.add("12345678", "12345678")
	var out strings.Builder
	if err := table.writeWithin(&out, 5); err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(out.String(), "12345678  12345678\n") {
		t.Errorf("%q", out.String())
	}
}
