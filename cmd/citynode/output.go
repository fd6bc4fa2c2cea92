package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

	"golang.org/x/term"
)

// printJSON prints one value on one line.
func (g *globals) printJSON(v any) error { return writeJSON(g.stdout, v) }

func writeJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}

// printf prints a result for a person.
func (g *globals) printf(format string, args ...any) error {
	_, err := fmt.Fprintf(g.stdout, format, args...)
	return err
}

// notef prints a message beside the result.
func (g *globals) notef(format string, args ...any) {
	fmt.Fprintf(g.stderr, format+"\n", args...) // nobody is there to be told that it fails
}

// A table is lines of cells, for a person.
type table struct {
	head  []string
	lines [][]string
}

func (t *table) add(cells ...string) { t.lines = append(t.lines, cells) }

// write aligns the columns. Cells may come from peers.
func (t *table) write(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, strings.Join(t.head, "\t"))
	for _, line := range t.lines {
		for i, cell := range line {
			line[i] = printable(cell)
		}
		fmt.Fprintln(tw, strings.Join(line, "\t"))
	}
	return tw.Flush()
}

// printFields writes one thing as a list of names and values.
func (g *globals) printFields(pairs ...string) error {
	width := 0
	for i := 0; i < len(pairs); i += 2 {
		width = max(width, utf8.RuneCountInString(pairs[i]))
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if err := g.printf("%-*s  %s\n", width, pairs[i], printable(pairs[i+1])); err != nil {
			return err
		}
	}
	return nil
}

// isTerminal reports whether a person sees what is written there.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// paint colors text where a person sees it and has not asked for none
// (no-color.org).
type paint bool

func newPaint(w io.Writer) paint {
	return paint(isTerminal(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb")
}

// The colors in use, as ANSI codes: few, and readable on dark and light.
const (
	colorDim   = "2"
	colorRed   = "31"
	colorGreen = "32"
	colorBold  = "1"
	colorCyan  = "36"
)

func (p paint) in(color, text string) string {
	if !p || color == "" {
		return text
	}
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}
