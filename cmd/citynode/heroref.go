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

// ambiguousMax is how many candidates the error about an ambiguous hero lists.
const ambiguousMax = 10

// errEnough ends a get that has told what was asked.
var errEnough = errors.New("enough")

// A heroRef is a hero as a person names it: by its id, by the beginning of that, or by
// its name. A text that is an id in full never means a name.
type heroRef struct {
	text   string // as given
	prefix heroPrefix
}

// parseHeroRef reads what can be an id, the beginning of one, or a name.
func (g *globals) parseHeroRef(text string) (heroRef, error) {
	ref := heroRef{text, parseHeroPrefix(text)}
	if err := crdt.ValidateHeroName(text); err != nil && ref.prefix.digits == "" {
		return heroRef{}, usagef("%q is neither a hero's id, nor the beginning of one, nor a name: %s", text, reason(err)).
			withHint("see them with %s", g.command("hero list"))
	}
	return ref, nil
}

// whole returns the id, if it was given in full.
func (r heroRef) whole() (crdt.ID, bool) { return r.prefix.whole() }

// A namedHero is a hero that a heroRef may mean.
type namedHero struct {
	id    crdt.ID
	name  string // "" of a dead one
	place string // its location, or "dead"
}

// heroID returns the id that a person means. A whole one is not looked up; what it
// stands for is for the city to say.
func (d dispatcher) heroID(ctx context.Context, ref heroRef) (crdt.ID, error) {
	if id, ok := ref.whole(); ok {
		return id, nil
	}
	found, err := d.findHero(ctx, ref)
	return found.id, err
}

// findHero returns the one hero that a person means, by what the node knows. What is
// the beginning of one hero's id and the name of another is refused: which one was
// meant is not for the command to guess.
func (d dispatcher) findHero(ctx context.Context, ref heroRef) (namedHero, error) {
	m, err := d.matchHeroes(ctx, ref)
	if err != nil {
		return namedHero{}, fmt.Errorf("look for hero %s: %w", ref.text, err)
	}
	found := m.all()
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) == 0:
		return namedHero{}, d.noSuchHero(ref, m.similar.words())
	case len(m.byID) > 0 && len(m.byName) > 0:
		return namedHero{}, severalHeroes(found, "%s is the beginning of an id and the name of a hero", ref.text)
	case len(m.byName) > 0:
		return namedHero{}, severalHeroes(found, "several heroes are named %s", ref.text)
	}
	return namedHero{}, severalHeroes(found, "several ids begin with %s", ref.text)
}

func (d dispatcher) noSuchHero(ref heroRef, similar []string) error {
	e := failf(exitNotFound, "no hero's id begins with %s, and none has that name", ref.text)
	if ref.prefix.digits == "" {
		e = failf(exitNotFound, "no hero is named %s", ref.text)
	}
	if len(similar) > 0 {
		return e.withHint("did you mean %s?", strings.Join(similar, ", "))
	}
	return e.withHint("see all with %s", d.g.command("hero list"))
}

func severalHeroes(found []namedHero, format string, args ...any) error {
	lines := make([]string, 0, len(found))
	for _, h := range found[:min(len(found), ambiguousMax)] {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s  %s (%s)", h.id, h.name, h.place)))
	}
	if len(found) > ambiguousMax {
		lines = append(lines, "…")
	}
	return usagef("%s:\n%s", fmt.Sprintf(format, args...), strings.Join(lines, "\n")).withHint("give more of the id")
}

// A heroMatch is what one walk over all heroes has found for a heroRef.
type heroMatch struct {
	ref     heroRef
	byID    map[crdt.ID]namedHero // whose ids begin so; dead ones too
	byName  map[crdt.ID]namedHero // who have that name
	similar *likeness             // names like that
}

// matchHeroes walks over all that the node knows: to the end, or until there are a few
// more than an error would list.
func (d dispatcher) matchHeroes(ctx context.Context, ref heroRef) (m heroMatch, err error) {
	err = d.Node().Call(ctx, func(c *protocol.Client) error {
		m = heroMatch{ref, make(map[crdt.ID]namedHero), make(map[crdt.ID]namedHero), newLikeness(ref.text)}
		_, err := c.Get(ctx, protocol.GetRequest{}, m.page)
		return err
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return m, err
}

func (m *heroMatch) page(page crdt.Entries) error {
	for _, h := range page.Heroes {
		named := namedHero{h.ID, h.Name, h.Location}
		switch {
		case h.Name == m.ref.text:
			m.byName[h.ID] = named
		case m.ref.prefix.matches(h.ID):
			m.byID[h.ID] = named
		default:
			m.similar.add(h.Name)
		}
	}
	for _, t := range page.Tombstones {
		if m.ref.prefix.matches(t.ID) {
			m.byID[t.ID] = namedHero{id: t.ID, place: "dead"}
		}
	}
	if len(m.byID) > ambiguousMax || len(m.byName) > ambiguousMax {
		return errEnough
	}
	return nil
}

// all returns all that were found, by id.
func (m *heroMatch) all() []namedHero {
	list := make([]namedHero, 0, len(m.byID)+len(m.byName))
	for _, some := range []map[crdt.ID]namedHero{m.byID, m.byName} {
		for _, h := range some {
			list = append(list, h)
		}
	}
	slices.SortFunc(list, func(a, b namedHero) int { return a.id.Compare(b.id) })
	return list
}
