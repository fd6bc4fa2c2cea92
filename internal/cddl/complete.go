package cddl

import (
	"errors"
	"fmt"
	"slices"
)

// complete refuses names without a rule, rules without a use, and map entries
// without a key.
func (s *Schema) complete(roots []string) error {
	if len(s.order) == 0 {
		return errors.New("no rule")
	}
	c := completion{schema: s, used: make(map[string]bool)}
	for _, name := range s.order {
		r := s.rules[name]
		c.typ(r.typ)
		c.group(r.grp, false)
	}
	if slices.Contains(roots, Anything) {
		roots = s.order
	}
	for _, root := range append(slices.Clone(roots), s.order[0]) {
		if s.rules[root] == nil {
			c.faults = append(c.faults, fmt.Errorf("no rule is called %s", root))
		}
		c.used[root] = true
	}
	for _, name := range s.order {
		if !c.used[name] {
			c.faults = append(c.faults, fmt.Errorf("line %d: nothing refers to %s", s.rules[name].line, name))
		}
	}
	return errors.Join(c.faults...)
}

// A completion is a walk through all rules.
type completion struct {
	schema *Schema
	used   map[string]bool
	faults []error
}

func (c *completion) typ(t typ) {
	switch t := t.(type) {
	case choice:
		for _, one := range t {
			c.typ(one)
		}
	case name:
		c.used[t.to] = true
		if c.schema.rules[t.to] == nil && prelude[t.to] == nil {
			c.faults = append(c.faults, fmt.Errorf("line %d: no rule is called %s", t.line, t.to))
		}
	case control:
		c.typ(t.target)
		c.typ(t.with)
	case mapType:
		c.group(t.grp, true)
	case arrayType:
		c.group(t.grp, false)
	}
}

func (c *completion) group(g *group, inMap bool) {
	if g == nil {
		return
	}
	for _, sequence := range g.alternatives {
		for _, e := range sequence {
			if inMap && e.key == nil && e.grp == nil && !c.schema.isGroup(e.val) {
				c.faults = append(c.faults, fmt.Errorf("line %d: an entry of a map without a key", e.line))
			}
			c.typ(e.key)
			c.typ(e.val)
			c.group(e.grp, inMap)
		}
	}
}

// isGroup reports whether a type is the name of a group.
func (s *Schema) isGroup(t typ) bool {
	n, ok := t.(name)
	return ok && s.rules[n.to] != nil && s.rules[n.to].grp != nil
}
