package crdt

import (
	"strings"
	"unicode/utf8"
)

// The code points that join others to an emoji sequence (UTS #51).
const (
	zeroWidthJoiner = 0x200D // joins two emoji to one
	emojiSelector   = 0xFE0F // variation selector 16: asks for the colored form
	keycap          = 0x20E3 // puts the character before it into a key
	blackFlag       = 0x1F3F4

	skinToneFirst, skinToneLast           = 0x1F3FB, 0x1F3FF
	shapeSelectorFirst, shapeSelectorLast = 0xE0100, 0xE01EF // of ideographs (UTS #37)
)

// flagTags are what may follow a black flag: the three flags of subdivisions that Unicode
// recommends for interchange, in tag characters. Other subdivisions have no picture, so
// flags of two would look the same.
var flagTags = [...]string{tagged("gbeng"), tagged("gbsct"), tagged("gbwls")}

// tagged returns a text in tag characters, with the one that ends them.
func tagged(text string) string {
	var b strings.Builder
	for _, c := range text {
		b.WriteRune(0xE0000 + c)
	}
	b.WriteRune(0xE007F)
	return b.String()
}

// A nameContext is what in a name decides about the next code point.
type nameContext uint8

const (
	afterOther     nameContext = iota
	afterKey                   // 0–9, # or *: a selector makes it a keycap
	afterPicture               // a pictograph
	afterEmoji                 // a pictograph with a skin tone or a selector
	afterIdeograph             // which a selector may give a shape
	wantsPicture               // after a joiner
	wantsKeycap                // after a key and a selector
)

// open reports whether a sequence has begun that something must end.
func (c nameContext) open() bool { return c == wantsPicture || c == wantsKeycap }

// next returns the context after the code point r, and whether r may stand there. Rest is
// the name from r on; used is how many bytes of it are r and what r brings.
func (c nameContext) next(r rune, rest string) (after nameContext, used int, ok bool) {
	used = utf8.RuneLen(r)
	switch {
	case c == wantsPicture:
		return afterPicture, used, isPictograph(r)
	case c == wantsKeycap:
		return afterOther, used, r == keycap
	case r == zeroWidthJoiner:
		return wantsPicture, used, c == afterPicture || c == afterEmoji
	case r == emojiSelector && c == afterKey:
		return wantsKeycap, used, true
	case r == emojiSelector:
		return afterEmoji, used, c == afterPicture
	case shapeSelectorFirst <= r && r <= shapeSelectorLast:
		return afterOther, used, c == afterIdeograph
	case forbiddenInName(r):
		return afterOther, used, false
	case r == blackFlag:
		return afterPictureOf(rest, used)
	}
	return c.following(r), used, true
}

// afterPictureOf returns the context after a black flag, whose tags are taken with it.
func afterPictureOf(rest string, flag int) (after nameContext, used int, ok bool) {
	for _, tags := range flagTags {
		if strings.HasPrefix(rest[flag:], tags) {
			return afterOther, flag + len(tags), true
		}
	}
	return afterPicture, flag, true
}

// following returns the context after a code point that is allowed anywhere.
func (c nameContext) following(r rune) nameContext {
	switch {
	case '0' <= r && r <= '9', r == '#', r == '*':
		return afterKey
	case skinToneFirst <= r && r <= skinToneLast:
		if c == afterPicture {
			return afterEmoji
		}
		return afterOther
	case isIdeograph(r):
		return afterIdeograph
	case isPictograph(r):
		return afterPicture
	}
	return afterOther
}

func isPictograph(r rune) bool { return inRanges(pictographs[:], r) }

// ideographs are the blocks of CJK ideographs, of which Unicode has set aside planes 2 and 3
// for those to come.
var ideographs = [...]runeRange{{0x3400, 0x4DBF}, {0x4E00, 0x9FFF}, {0xF900, 0xFAFF}, {0x20000, 0x3FFFF}}

func isIdeograph(r rune) bool { return inRanges(ideographs[:], r) }

// inRanges reports whether sorted ranges have r. Fewer than eighty are searched by halves.
func inRanges(ranges []runeRange, r rune) bool {
	for lo, hi := 0, len(ranges); lo < hi; {
		mid := (lo + hi) / 2
		switch {
		case r < ranges[mid].first:
			hi = mid
		case r > ranges[mid].last:
			lo = mid + 1
		default:
			return true
		}
	}
	return false
}
