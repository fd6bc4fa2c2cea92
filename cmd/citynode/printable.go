package main

import (
	"strings"
	"unicode"
)

// printable makes text that came from elsewhere safe for a terminal: one line,
// without control or format characters.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsGraphic(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}
