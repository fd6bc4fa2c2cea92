package main

import (
	"bytes"
	"strings"
	"testing"
)

const figuresText = `
Merge/100                                 600 cpu-ns/entry
Merge/1000000                            1500 cpu-ns/entry     1400 to 1600
Call/assign/one                         60000 100-p50-ns
Call/assign/one                         70000 1m-p50-ns
Reconcile/1m/d=10                         900 B
Reconcile/1m/d=10k                     210000 B
some other line
`

func TestWhatWasMeasuredIsDrawn(t *testing.T) {
	var svg bytes.Buffer
	if err := draw(strings.NewReader(figuresText), &svg); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<svg", "1M entries each", "assign, p50", "</svg>"} {
		if !strings.Contains(svg.String(), want) {
			t.Errorf("no %q in the picture", want)
		}
	}
	if n := strings.Count(svg.String(), "<circle"); n != 6 {
		t.Errorf("%d points, want 6", n)
	}
}

func TestInputWithoutFiguresIsAnError(t *testing.T) {
	for _, text := range []string{"", "nothing here\n", "Other/bench 1 ns/op\n"} {
		if err := draw(strings.NewReader(text), new(bytes.Buffer)); err == nil {
			t.Errorf("%q was drawn", text)
		}
	}
}
