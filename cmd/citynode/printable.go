package main

import (
	"strings"
	"unicode"
)

// printable makes text that came from elsewhere safe for a terminal: one line,
// without control or format characters but those that emoji sequences have.
func printable(s string) string {
	last := rune(0)
	return strings.Map(func(r rune) rune {
		before := last
		last = r
		if unicode.IsGraphic(r) || inEmoji(before, r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}

// inEmoji reports whether r is a format character that goes on with what can be an emoji
// sequence: a joiner after a symbol or a selector, or a tag after a black flag or a tag.
// A terminal shows none of them by itself.
func inEmoji(before, r rune) bool {
	const joiner, selector, blackFlag = 0x200D, 0xFE0F, 0x1F3F4
	switch {
	case r == joiner:
		return unicode.IsSymbol(before) || before == selector
	case 0xE0020 <= r && r <= 0xE007F:
		return before == blackFlag || 0xE0020 <= before && before <= 0xE007E
	}
	return false
}
