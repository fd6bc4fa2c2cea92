package main

import (
	"strings"

	"github.com/citynode/citynode/crdt"
)

// idDigits is how many hex digits an id has.
const idDigits = 32

// A heroPrefix is an id as a person gives it: whole, or the beginning of one.
type heroPrefix struct {
	digits string // its hex digits, lower case; "": no id begins so
}

// parseHeroPrefix reads an id, or the beginning of one: hex digits with hyphens
// where a UUID has them, or with none. Of any other text it returns the prefix that
// matches no id.
func parseHeroPrefix(text string) heroPrefix {
	lower := strings.ToLower(text)
	p := heroPrefix{strings.ReplaceAll(lower, "-", "")}
	isHex := strings.Trim(p.digits, "0123456789abcdef") == ""
	if p.digits == "" || !isHex || len(p.digits) > idDigits || (p.digits != lower && !strings.HasPrefix(p.padded(), lower)) {
		return heroPrefix{}
	}
	return p
}

// padded returns the first id that begins so, with hyphens.
func (p heroPrefix) padded() string {
	d := p.digits + strings.Repeat("0", idDigits-len(p.digits))
	return d[:8] + "-" + d[8:12] + "-" + d[12:16] + "-" + d[16:20] + "-" + d[20:]
}

// whole returns the id, if all of it was given.
func (p heroPrefix) whole() (crdt.ID, bool) {
	if len(p.digits) < idDigits {
		return crdt.ID{}, false
	}
	id, err := crdt.ParseID(p.padded())
	return id, err == nil
}

func (p heroPrefix) matches(id crdt.ID) bool {
	return p.digits != "" && strings.HasPrefix(strings.ReplaceAll(id.String(), "-", ""), p.digits)
}
