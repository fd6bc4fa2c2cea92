package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/protocol"
)

// ambiguousMax is how many candidates the error about an ambiguous id lists.
const ambiguousMax = 10

// errEnough ends a get that has told what was asked.
var errEnough = errors.New("enough")

// A heroPrefix is an id as a person gives it: whole, or the beginning of one.
type heroPrefix struct {
	text   string // as given
	digits string // its hex digits, lower case
}

// parseHeroID reads an id, or the beginning of one: hex digits with hyphens
// where a UUID has them, or with none.
func parseHeroID(text string) (heroPrefix, error) {
	lower := strings.ToLower(text)
	digits := strings.ReplaceAll(lower, "-", "")
	p := heroPrefix{text: text, digits: digits}
	isHex := strings.Trim(digits, "0123456789abcdef") == ""
	if digits == "" || !isHex || len(digits) > 32 || (digits != lower && !strings.HasPrefix(p.padded(), lower)) {
		return heroPrefix{}, usagef("%q is not a hero's id, nor the beginning of one", text).
			withHint("see the ids with citynode hero list")
	}
	return p, nil
}

// padded returns the first id that begins so, with hyphens.
func (p heroPrefix) padded() string {
	d := p.digits + strings.Repeat("0", 32-len(p.digits))
	return d[:8] + "-" + d[8:12] + "-" + d[12:16] + "-" + d[16:20] + "-" + d[20:]
}

// whole returns the id, if all of it was given.
func (p heroPrefix) whole() (crdt.ID, bool) {
	if len(p.digits) < 32 {
		return crdt.ID{}, false
	}
	id, err := crdt.ParseID(p.padded())
	return id, err == nil
}

func (p heroPrefix) matches(id crdt.ID) bool {
	return strings.HasPrefix(strings.ReplaceAll(id.String(), "-", ""), p.digits)
}

// heroID returns the id that a person means. A whole one is not looked up; what it
// stands for is for the city to say.
func (d dispatcher) heroID(ctx context.Context, p heroPrefix) (crdt.ID, error) {
	if id, ok := p.whole(); ok {
		return id, nil
	}
	found, err := d.heroesLike(ctx, p)
	if err != nil {
		return crdt.ID{}, fmt.Errorf("look for hero %s: %w", p.text, err)
	}
	switch len(found) {
	case 0:
		return crdt.ID{}, failf(exitNotFound, "no hero's id begins with %s", p.text).
			withHint("see the ids with citynode hero list")
	case 1:
		return found[0].id, nil
	}
	return crdt.ID{}, ambiguous(p, found)
}

// A likely is a hero whose id begins as asked.
type likely struct {
	id    crdt.ID
	about string
}

// heroesLike returns the heroes, dead ones too, whose ids begin so: all, or a few
// more than an error would list.
func (d dispatcher) heroesLike(ctx context.Context, p heroPrefix) ([]likely, error) {
	var found map[crdt.ID]string
	err := d.Node().Call(ctx, func(c *protocol.Client) error {
		found = make(map[crdt.ID]string)
		_, err := c.Get(ctx, protocol.GetRequest{}, func(page crdt.Entries) error {
			for _, h := range page.Heroes {
				if p.matches(h.ID) {
					found[h.ID] = fmt.Sprintf("%s (%s)", h.Name, h.Location)
				}
			}
			for _, t := range page.Tombstones {
				if p.matches(t.ID) {
					found[t.ID] = "dead"
				}
			}
			if len(found) > ambiguousMax {
				return errEnough
			}
			return nil
		})
		return err
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, err
	}
	list := make([]likely, 0, len(found))
	for id, about := range found {
		list = append(list, likely{id, about})
	}
	slices.SortFunc(list, func(a, b likely) int { return a.id.Compare(b.id) })
	return list, nil
}

func ambiguous(p heroPrefix, found []likely) error {
	lines := make([]string, 0, len(found))
	for _, f := range found[:min(len(found), ambiguousMax)] {
		lines = append(lines, fmt.Sprintf("%s  %s", f.id, f.about))
	}
	if len(found) > ambiguousMax {
		lines = append(lines, "…")
	}
	return usagef("several ids begin with %s:\n%s", p.text, strings.Join(lines, "\n")).withHint("give more of the id")
}
