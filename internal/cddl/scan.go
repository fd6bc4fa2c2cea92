package cddl

import (
	"fmt"
	"regexp"
	"strings"
)

// A token is a part of the text of a schema.
type token struct {
	kind  tokenKind
	text  string
	line  int
	glued bool // nothing stands between this token and the one before
}

type tokenKind uint8

const (
	endToken tokenKind = iota
	nameToken
	numberToken
	textToken  // with its quotes
	bytesToken // h'…'
	controlToken
	markToken // punctuation
)

// tokenForms are tried in this order (RFC 8610, appendix B). A control operator
// comes before the marks of ranges, which begin with a dot too.
var tokenForms = []struct {
	kind tokenKind
	form *regexp.Regexp
}{
	{bytesToken, regexp.MustCompile(`^h'[0-9a-fA-F\s]*'`)},
	{nameToken, regexp.MustCompile(`^[A-Za-z@_$](?:[-.]*[A-Za-z@_$0-9])*`)},
	{numberToken, regexp.MustCompile(`^-?(?:0x[0-9a-fA-F]+|0b[01]+|[1-9][0-9]*|0)`)},
	{textToken, regexp.MustCompile(`^"(?:[^"\\\x00-\x1f]|\\.)*"`)},
	{controlToken, regexp.MustCompile(`^\.[A-Za-z@_$](?:[-.]*[A-Za-z@_$0-9])*`)},
	{markToken, regexp.MustCompile(`^(?:\.\.\.|\.\.|//=|/=|//|=>|[=/{}\[\](),:^?*+])`)},
}

// scan returns the tokens of a text. Comments and blanks are none.
func scan(text string) (tokens []token, err error) {
	line, glued := 1, false
	for text != "" {
		if blank := blanks(text); blank > 0 {
			line += strings.Count(text[:blank], "\n")
			text, glued = text[blank:], false
			continue
		}
		t, err := next(text)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		t.line, t.glued = line, glued
		tokens = append(tokens, t)
		text, glued = text[len(t.text):], true
	}
	return append(tokens, token{kind: endToken, line: line}), nil
}

// blanks returns how many bytes of blanks and comments the text begins with.
func blanks(text string) int {
	rest := strings.TrimLeft(text, " \t\r\n")
	if strings.HasPrefix(rest, ";") {
		if end := strings.IndexByte(rest, '\n'); end >= 0 {
			rest = rest[end:]
		} else {
			rest = ""
		}
	}
	return len(text) - len(rest)
}

func next(text string) (token, error) {
	for _, f := range tokenForms {
		if found := f.form.FindString(text); found != "" {
			return token{kind: f.kind, text: found}, nil
		}
	}
	return token{}, fmt.Errorf("%.20q is no part of CDDL, or of the part that is read here", text)
}
