package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

func main() {
	if err := draw(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "performance:", err)
		os.Exit(1)
	}
}

// draw reads lines of make bench, "NAME VALUE UNIT", and writes the picture.
func draw(from io.Reader, to io.Writer) error {
	figures, err := read(from)
	if err != nil {
		return err
	}
	charts := []chart{
		{
			title: "a write and a call, against what the city holds", xName: "heroes", yName: "µs",
			lines: []line{
				figures.series("merge an entry, decoding in", "Merge/", "", "cpu-ns/entry", 1e-3),
				figures.calls("assign, p50", "Call/assign/one"),
				figures.calls("get one hero, p50", "Call/get/one"),
			},
		},
		{
			title: "what a sync needs to find differences", xName: "entries that differ", yName: "KB",
			lines: []line{
				figures.series("100k entries each", "Reconcile/100k/d=", "", "B", 1e-3),
				figures.series("1M entries each", "Reconcile/1m/d=", "", "B", 1e-3),
			},
		},
	}
	return picture(to, charts)
}

// figures are the values by the name and the unit.
type figures map[string]map[string]float64

func read(from io.Reader) (figures, error) {
	all := make(figures)
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) < 3 {
			continue
		}
		value, err := strconv.ParseFloat(words[1], 64)
		if err != nil {
			continue // not a figure
		}
		if all[words[0]] == nil {
			all[words[0]] = make(map[string]float64)
		}
		all[words[0]][words[2]] = value
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read figures: %w", err)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("no figures in the input: give it the output of make bench")
	}
	return all, nil
}

// sizes are how benchmarks name sizes.
var sizes = []struct {
	name  string
	value float64
}{
	{"0", 0},
	{"10", 10},
	{"100", 100},
	{"1000", 1e3},
	{"1k", 1e3},
	{"10k", 1e4},
	{"10000", 1e4},
	{"100k", 1e5},
	{"100000", 1e5},
	{"1m", 1e6},
	{"1000000", 1e6},
}

// series is one unit of benchmarks whose names differ in a size.
func (f figures) series(title, before, after, unit string, scale float64) line {
	l := line{title: title}
	for _, size := range sizes {
		if v, ok := f[before+size.name+after][unit]; ok && size.value > 0 {
			l.points = append(l.points, point{size.value, v * scale})
		}
	}
	return l
}

// calls returns the p50 of a call in one benchmark, whose units have a size.
func (f figures) calls(title, name string) line {
	l := line{title: title}
	for _, size := range sizes {
		if v, ok := f[name][size.name+"-p50-ns"]; ok && size.value > 0 {
			l.points = append(l.points, point{size.value, v * 1e-3})
		}
	}
	return l
}
