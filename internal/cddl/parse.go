package cddl

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/citynode/citynode/internal/cbor"
)

// Anything, among the roots of [Parse], has every rule be a root.
const Anything = "*"

// Parse reads a schema. Its first rule is the root; roots are further ones that
// nothing need refer to. The error names the line at fault.
func Parse(text string, roots ...string) (*Schema, error) {
	tokens, err := scan(text)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens}
	s := &Schema{rules: make(map[string]*rule)}
	for p.peek().kind != endToken {
		if err := p.rule(s); err != nil {
			return nil, err
		}
	}
	return s, s.complete(roots)
}

// readingsMax bounds the types that a parser tries to read: brackets within brackets
// double them.
const readingsMax = 1 << 18

// A parser reads the tokens of a schema, one at a time. Where the grammar leaves
// open what comes it tries one reading and goes back.
type parser struct {
	tokens   []token
	at       int
	readings int
}

func (p *parser) peek() token { return p.tokens[p.at] }

func (p *parser) take() token {
	t := p.tokens[p.at]
	if t.kind != endToken {
		p.at++
	}
	return t
}

// mark takes the next token if it is this mark.
func (p *parser) mark(text string) bool {
	if t := p.peek(); t.kind == markToken && t.text == text {
		p.at++
		return true
	}
	return false
}

func (p *parser) want(text string) error {
	if !p.mark(text) {
		return p.fault("want " + text)
	}
	return nil
}

func (p *parser) fault(what string) error {
	t := p.peek()
	if t.kind == endToken {
		return fmt.Errorf("line %d: %s, got the end", t.line, what)
	}
	return fmt.Errorf("line %d: %s, got %s", t.line, what, t.text)
}

// rule reads one rule, which may add choices to an earlier one.
func (p *parser) rule(s *Schema) error {
	id := p.take()
	if id.kind != nameToken {
		p.at--
		return p.fault("want the name of a rule")
	}
	r, again := s.rules[id.text]
	if !again {
		r = &rule{name: id.text, line: id.line}
	}
	switch {
	case p.mark("="):
		if again {
			return fmt.Errorf("line %d: %s has a rule already, in line %d", id.line, id.text, r.line)
		}
	case p.mark("/="), p.mark("//="):
		return fmt.Errorf("line %d: a rule that is added to is not read here", id.line)
	default:
		return p.fault("want =")
	}
	s.rules[id.text] = r
	s.order = append(s.order, id.text)
	return p.definition(r)
}

// definition reads a type, or a group where it is no type.
func (p *parser) definition(r *rule) (err error) {
	start := p.at
	if r.typ, err = p.typ(); err == nil && p.endsRule() {
		return nil
	}
	p.at = start
	r.typ = nil
	e, groupErr := p.entry()
	if groupErr != nil {
		return errors.Join(err, groupErr)
	}
	if !p.endsRule() {
		return p.fault("want the next rule")
	}
	r.grp = &group{alternatives: [][]entry{{e}}}
	return nil
}

// endsRule reports whether a rule may end here: at the end, or before the next.
func (p *parser) endsRule() bool {
	t := p.peek()
	if t.kind == endToken {
		return true
	}
	after := p.tokens[p.at+1]
	return t.kind == nameToken && after.kind == markToken && slices.Contains([]string{"=", "/=", "//="}, after.text)
}

// typ reads type1 / type1 / …
func (p *parser) typ() (typ, error) {
	var all choice
	for {
		one, err := p.type1()
		if err != nil {
			return nil, err
		}
		all = append(all, one)
		if !p.mark("/") {
			break
		}
	}
	if len(all) == 1 {
		return all[0], nil
	}
	return all, nil
}

// type1 reads a type, or two with a range or a control operator between them.
func (p *parser) type1() (typ, error) {
	left, err := p.type2()
	if err != nil {
		return nil, err
	}
	t := p.peek()
	switch {
	case t.kind == controlToken:
		p.take()
		with, err := p.type2()
		if err != nil {
			return nil, err
		}
		return newControl(left, t, with)
	case t.kind == markToken && (t.text == ".." || t.text == "..."):
		p.take()
		right, err := p.type2()
		if err != nil {
			return nil, err
		}
		low, isLow := left.(literal)
		high, isHigh := right.(literal)
		if !isLow || !isHigh || low.kind != cbor.Uint || high.kind != cbor.Uint {
			return nil, fmt.Errorf("line %d: a range is between two integers here", t.line)
		}
		return bounds{low.num, high.num, t.text == "..."}, nil
	}
	return left, nil
}

// newControl returns a type under a control operator of those that are known.
func newControl(target typ, op token, with typ) (typ, error) {
	c := control{target: target, op: op.text, with: with}
	switch op.text {
	case ".regexp":
		pattern, ok := with.(literal)
		if !ok || pattern.kind != cbor.Text {
			return nil, fmt.Errorf("line %d: .regexp wants a text", op.line)
		}
		form, err := regexp.Compile(`^(?:` + string(pattern.text) + `)$`)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", op.line, err)
		}
		c.regexp = form
	case ".size", ".eq", ".ne", ".lt", ".le", ".gt", ".ge":
	default:
		return nil, fmt.Errorf("line %d: the control operator %s is not read here", op.line, op.text)
	}
	return c, nil
}

// type2 reads a value, a name, or what is in brackets.
func (p *parser) type2() (typ, error) {
	if p.readings++; p.readings > readingsMax {
		return nil, p.fault("too many brackets within brackets")
	}
	t := p.take()
	switch {
	case t.kind == nameToken:
		return name{t.text, t.line}, nil
	case t.kind == numberToken, t.kind == textToken, t.kind == bytesToken:
		v, err := valueOf(t)
		return literal{v}, err
	case t.kind == markToken && t.text == "(":
		inner, err := p.typ()
		if err != nil {
			return nil, err
		}
		return inner, p.want(")")
	case t.kind == markToken && t.text == "{":
		g, err := p.group()
		if err != nil {
			return nil, err
		}
		return mapType{g}, p.want("}")
	case t.kind == markToken && t.text == "[":
		g, err := p.group()
		if err != nil {
			return nil, err
		}
		return arrayType{g}, p.want("]")
	}
	if t.kind != endToken {
		p.at--
	}
	return nil, p.fault("want a type")
}

// valueOf returns what a literal stands for.
func valueOf(t token) (value, error) {
	switch t.kind {
	case numberToken:
		n, ok := new(big.Int).SetString(t.text, 0)
		if !ok {
			return value{}, fmt.Errorf("line %d: %s is no integer", t.line, t.text)
		}
		return integer(n), nil
	case bytesToken:
		digits := strings.Join(strings.Fields(t.text[2:len(t.text)-1]), "")
		b, err := hex.DecodeString(digits)
		if err != nil {
			return value{}, fmt.Errorf("line %d: %w", t.line, err)
		}
		return value{kind: cbor.Bytes, text: b}, nil
	default:
		s, err := strconv.Unquote(t.text)
		if err != nil {
			return value{}, fmt.Errorf("line %d: %s: %w", t.line, t.text, err)
		}
		v, ok := text(s)
		if !ok {
			return value{}, fmt.Errorf("line %d: %s is not UTF-8", t.line, t.text)
		}
		return v, nil
	}
}

// group reads sequences of entries with // between them, up to a closing bracket.
func (p *parser) group() (*group, error) {
	g := &group{}
	for {
		var sequence []entry
		for !p.endsSequence() {
			e, err := p.entry()
			if err != nil {
				return nil, err
			}
			p.mark(",")
			sequence = append(sequence, e)
		}
		g.alternatives = append(g.alternatives, sequence)
		if !p.mark("//") {
			return g, nil
		}
	}
}

func (p *parser) endsSequence() bool {
	t := p.peek()
	return t.kind == endToken || t.kind == markToken && slices.Contains([]string{"//", "}", "]", ")"}, t.text)
}

// entry reads how often, a key if there is one, and a type or a group in brackets.
func (p *parser) entry() (e entry, err error) {
	e.line = p.peek().line
	if e.min, e.max, err = p.occurrence(); err != nil {
		return e, err
	}
	if e.key, e.cut, err = p.memberKey(); err != nil {
		return e, err
	}
	start := p.at
	if e.val, err = p.typ(); err == nil {
		return e, nil
	}
	p.at = start
	if e.key != nil || !p.mark("(") {
		return e, err
	}
	if e.grp, err = p.group(); err != nil {
		return e, err
	}
	e.val = nil
	return e, p.want(")")
}

// occurrence reads ?, *, + or n*m.
func (p *parser) occurrence() (least, most int, err error) {
	switch {
	case p.mark("?"):
		return 0, 1, nil
	case p.mark("+"):
		return 1, unbounded, nil
	}
	start := p.at
	least = 0
	if n := p.peek(); n.kind == numberToken {
		if least, err = strconv.Atoi(p.take().text); err != nil {
			p.at = start
			return 1, 1, nil //nolint:nilerr // a key, then
		}
	}
	if !p.mark("*") {
		p.at = start
		return 1, 1, nil
	}
	most = unbounded
	if n := p.peek(); n.kind == numberToken && n.glued {
		if most, err = strconv.Atoi(p.take().text); err != nil {
			return 0, 0, fmt.Errorf("line %d: %w", n.line, err)
		}
	}
	return least, most, nil
}

// memberKey reads the key of an entry, nil if it has none.
func (p *parser) memberKey() (key typ, cut bool, err error) {
	start := p.at
	t := p.take()
	if p.mark(":") {
		switch t.kind {
		case nameToken:
			v, _ := text(t.text)
			return literal{v}, true, nil
		case numberToken, textToken, bytesToken:
			v, err := valueOf(t)
			return literal{v}, true, err
		}
	}
	p.at = start
	if key, err = p.type1(); err == nil {
		cut = p.mark("^")
		if p.mark("=>") {
			return key, cut, nil
		}
		if cut {
			return nil, false, p.fault("want =>")
		}
	}
	p.at = start // what stands here is no key
	return nil, false, nil
}
