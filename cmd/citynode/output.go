package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// printJSON prints one value on one line.
func (g *globals) printJSON(v any) error { return unwritten(writeJSON(g.stdout, v)) }

// unwritten says of an error of the output that the output alone is missing: an order whose
// answer cannot be shown was carried out.
func unwritten(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("all is done but the output, which cannot be written: %w", err)
}

func writeJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}

// printf prints a result for a person.
func (g *globals) printf(format string, args ...any) error {
	_, err := fmt.Fprintf(g.stdout, format, args...)
	return unwritten(err)
}

// notef prints a message beside the result.
func (g *globals) notef(format string, args ...any) {
	fmt.Fprintf(g.stderr, format+"\n", args...) // nobody is there to be told that it fails
}

// printFields writes one thing as a list of names and values.
func (g *globals) printFields(pairs ...string) error {
	width := 0
	for i := 0; i < len(pairs); i += 2 {
		width = max(width, cellWidth(pairs[i]))
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
