package cddl

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/citynode/citynode/internal/cbor"
)

const (
	// stepsMax bounds the names that lead to each other without a container between
	// them, for a rule may refer to itself.
	stepsMax = 64
	// workMax bounds the names that one check follows: choices within choices could
	// have it try for ever.
	workMax = 1 << 20
)

// prelude are the types that need no rule (RFC 8610, appendix D).
var prelude = map[string]func(v value) bool{
	"any":   func(value) bool { return true },
	"uint":  func(v value) bool { return v.kind == cbor.Uint && v.num.Sign() >= 0 },
	"nint":  func(v value) bool { return v.kind == cbor.Uint && v.num.Sign() < 0 },
	"int":   func(v value) bool { return v.kind == cbor.Uint },
	"bstr":  func(v value) bool { return v.kind == cbor.Bytes },
	"tstr":  func(v value) bool { return v.kind == cbor.Text },
	"bool":  func(v value) bool { return v.equal(simple(cbor.False)) || v.equal(simple(cbor.True)) },
	"false": func(v value) bool { return v.equal(simple(cbor.False)) },
	"true":  func(v value) bool { return v.equal(simple(cbor.True)) },
	"null":  func(v value) bool { return v.equal(simple(cbor.Null)) },
}

// Check returns nil if b is one item of CBOR that the rule matches. The error
// otherwise says where the attempt that went furthest ended.
func (s *Schema) Check(ruleName string, b []byte) error {
	r := s.rules[ruleName]
	if r == nil || r.grp != nil {
		return fmt.Errorf("no type is called %s", ruleName)
	}
	v, err := decode(b)
	if err != nil {
		return err
	}
	m := matcher{schema: s}
	if !m.typ(r.typ, v) {
		return fmt.Errorf("%s: %w", ruleName, errors.New(m.why))
	}
	return nil
}

// A matcher is one check. It notes what was wrong where it went deepest.
type matcher struct {
	schema *Schema
	path   []string
	steps  int
	work   int
	deep   int
	why    string
}

// fail notes why the value at hand does not match.
func (m *matcher) fail(format string, args ...any) bool {
	if m.why == "" || len(m.path) > m.deep {
		m.deep = len(m.path)
		m.why = strings.Join(append(slices.Clone(m.path), fmt.Sprintf(format, args...)), ": ")
	}
	return false
}

// within runs f one level deeper.
func (m *matcher) within(where string, f func() bool) bool {
	m.path = append(m.path, where)
	steps := m.steps
	m.steps = 0
	ok := f()
	m.steps = steps
	m.path = m.path[:len(m.path)-1]
	return ok
}

func (m *matcher) typ(t typ, v value) bool {
	switch t := t.(type) {
	case choice:
		return slices.ContainsFunc(t, func(one typ) bool { return m.typ(one, v) })
	case name:
		return m.name(t, v)
	case literal:
		return t.equal(v) || m.fail("%v is not %v", v, t.value)
	case bounds:
		return t.has(v) || m.fail("%v is not in %v..%v", v, t.low, t.high)
	case control:
		return m.typ(t.target, v) && (t.holds(v) || m.fail("%v is against %s", v, t.op))
	case mapType:
		return v.kind == cbor.Map && m.mapOf(t.grp, v.pairs) || m.fail("%v is not the map", v)
	case arrayType:
		return v.kind == cbor.Array && m.arrayOf(t.grp, v.items) || m.fail("%v is not the array", v)
	}
	return false
}

func (m *matcher) name(n name, v value) bool {
	r := m.schema.rules[n.to]
	if r == nil {
		return prelude[n.to](v) || m.fail("%v is not %s", v, n.to)
	}
	return r.typ != nil && m.follow(func() bool { return m.typ(r.typ, v) })
}

// follow runs f, which matches what a name stands for or what is in brackets,
// within the bounds.
func (m *matcher) follow(f func() bool) bool {
	m.steps++
	m.work++
	defer func() { m.steps-- }()
	if m.steps > stepsMax || m.work > workMax {
		return m.fail("a rule refers to itself, or there is too much to try")
	}
	return f()
}

func (b bounds) has(v value) bool {
	if v.kind != cbor.Uint || v.num.Cmp(b.low) < 0 {
		return false
	}
	above := v.num.Cmp(b.high)
	return above < 0 || above == 0 && !b.exclusive
}

// holds reports whether a value of the target's type keeps to the operator.
func (c control) holds(v value) bool {
	limit, isLiteral := c.with.(literal)
	switch c.op {
	case ".regexp":
		return v.kind == cbor.Text && c.regexp.Match(v.text)
	case ".size":
		return c.sizeFits(v)
	case ".eq":
		return isLiteral && v.equal(limit.value)
	case ".ne":
		return isLiteral && !v.equal(limit.value)
	}
	if !isLiteral || v.kind != cbor.Uint || limit.kind != cbor.Uint {
		return false
	}
	order := v.num.Cmp(limit.num)
	return map[string]bool{".lt": order < 0, ".le": order <= 0, ".gt": order > 0, ".ge": order >= 0}[c.op]
}

// sizeFits compares the bytes of a string with the operator's number or range, or
// an unsigned integer with as many bytes (RFC 8610 §3.8.1).
func (c control) sizeFits(v value) bool {
	if v.kind == cbor.Uint {
		bytes, ok := c.with.(literal)
		return ok && v.num.Sign() >= 0 && bytes.kind == cbor.Uint && v.num.BitLen() <= 8*int(bytes.num.Int64())
	}
	size := integer(big.NewInt(int64(len(v.text))))
	switch with := c.with.(type) {
	case literal:
		return with.equal(size)
	case bounds:
		return with.has(size)
	}
	return false
}

// arrayOf reports whether a group matches all the items.
func (m *matcher) arrayOf(g *group, items []value) bool {
	n, ok := m.items(g, items, 0)
	return ok && (n == len(items) || m.fail("%d elements too many", len(items)-n))
}

// items returns how many of the items, from at on, the group has matched.
func (m *matcher) items(g *group, items []value, at int) (next int, ok bool) {
	for _, sequence := range g.alternatives {
		if next, ok = m.sequence(sequence, items, at); ok {
			return next, true
		}
	}
	return at, false
}

func (m *matcher) sequence(sequence []entry, items []value, at int) (next int, ok bool) {
	for _, e := range sequence {
		times := 0
		for times < e.max {
			next, ok := m.item(e, items, at)
			if !ok {
				break
			}
			times++
			if next == at { // a group of nothing, which matches as often as it has to
				times = e.max
			}
			at = next
		}
		if times < e.min {
			return at, false
		}
	}
	return at, true
}

// item matches an entry once.
func (m *matcher) item(e entry, items []value, at int) (next int, ok bool) {
	if g := m.schema.groupOf(e); g != nil {
		ok = m.follow(func() bool { next, ok = m.items(g, items, at); return ok })
		return next, ok
	}
	if at == len(items) {
		return at, m.fail("an element is missing")
	}
	where := fmt.Sprintf("element %d", at)
	return at + 1, m.within(where, func() bool { return m.typ(e.val, items[at]) })
}

// groupOf returns the group that an entry is, nil where it is a type.
func (s *Schema) groupOf(e entry) *group {
	if e.grp == nil && e.key == nil && s.isGroup(e.val) {
		return s.rules[e.val.(name).to].grp
	}
	return e.grp
}

// mapOf reports whether a group matches all the pairs.
func (m *matcher) mapOf(g *group, pairs []pair) bool {
	state := pairing{pairs: pairs, used: make([]bool, len(pairs))}
	if !m.pairs(g, &state) {
		return false
	}
	if left := slices.Index(state.used, false); left >= 0 {
		return m.fail("key %v is not known", pairs[left].key)
	}
	return true
}

// A pairing is which pairs of a map have been matched.
type pairing struct {
	pairs     []pair
	used      []bool
	committed bool // a key with a cut matched, and its value did not
}

func (m *matcher) pairs(g *group, state *pairing) bool {
	for _, sequence := range g.alternatives {
		before := slices.Clone(state.used)
		if m.entries(sequence, state) {
			return true
		}
		if state.committed {
			return false
		}
		state.used = before
	}
	return false
}

func (m *matcher) entries(sequence []entry, state *pairing) bool {
	for _, e := range sequence {
		times := 0
		for times < e.max && m.pair(e, state) {
			times++
		}
		if state.committed {
			return false
		}
		if times < e.min {
			return m.fail("key %s is missing", keyOf(e))
		}
	}
	return true
}

// pair matches an entry once. A group that matches nothing counts only where it
// stands once.
func (m *matcher) pair(e entry, state *pairing) bool {
	if g := m.schema.groupOf(e); g != nil {
		before := slices.Clone(state.used)
		return m.follow(func() bool { return m.pairs(g, state) }) && (e.max == 1 || !slices.Equal(before, state.used))
	}
	for i, p := range state.pairs {
		if state.used[i] || !m.quietly(func() bool { return m.typ(e.key, p.key) }) {
			continue
		}
		if m.within("key "+p.key.String(), func() bool { return m.typ(e.val, p.val) }) {
			state.used[i] = true
			return true
		}
		if e.cut {
			state.committed = true
			return false
		}
	}
	return false
}

// quietly runs f and forgets why it failed: that a key is another one is no fault.
func (m *matcher) quietly(f func() bool) bool {
	deep, why := m.deep, m.why
	ok := f()
	m.deep, m.why = deep, why
	return ok
}

func keyOf(e entry) string {
	if l, ok := e.key.(literal); ok {
		return l.String()
	}
	return "of a kind"
}
