package cddl

import (
	"bytes"
	"fmt"
	"math/big"
	"unicode/utf8"

	"github.com/citynode/citynode/internal/cbor"
)

// nestingMax bounds the containers within each other in a value.
const nestingMax = 16

// A value is one item of CBOR.
type value struct {
	kind  cbor.Major // Uint for all integers; Simple for false, true and null
	num   *big.Int   // of an integer
	text  []byte     // of a byte or text string
	first byte       // of a simple value
	items []value    // of an array
	pairs []pair     // of a map
}

type pair struct{ key, val value }

// decode reads the only item of b.
func decode(b []byte) (value, error) {
	if err := cbor.Check(b, nestingMax); err != nil {
		return value{}, err
	}
	r := cbor.NewReader(b, cbor.Limits{Loose: true, Nesting: nestingMax})
	v := read(&r)
	if err := r.Err(); err != nil {
		return value{}, err
	}
	return v, nil
}

// read reads one item that cbor.Check has accepted.
func read(r *cbor.Reader) (v value) {
	first, _ := r.Peek()
	kind, n := r.Head()
	v.kind = kind
	switch kind {
	case cbor.Uint:
		v.num = new(big.Int).SetUint64(n)
	case cbor.Negative:
		v.kind = cbor.Uint
		v.num = new(big.Int).SetUint64(n)
		v.num.Not(v.num)
	case cbor.Bytes, cbor.Text:
		v.text = r.Rest()[:n]
		r.Advance(int(n))
	case cbor.Array:
		for range n {
			v.items = append(v.items, read(r))
		}
	case cbor.Map:
		for range n {
			key := read(r)
			v.pairs = append(v.pairs, pair{key, read(r)})
		}
	default:
		v.first = first
	}
	return v
}

// equal reports whether two values are one value; containers never are, for no
// schema has one as a literal.
func (v value) equal(w value) bool {
	if v.kind != w.kind {
		return false
	}
	switch v.kind {
	case cbor.Uint:
		return v.num.Cmp(w.num) == 0
	case cbor.Bytes, cbor.Text:
		return bytes.Equal(v.text, w.text)
	case cbor.Simple:
		return v.first == w.first
	default:
		return false
	}
}

// String returns the value in a few characters, for messages.
func (v value) String() string {
	switch v.kind {
	case cbor.Uint:
		return v.num.String()
	case cbor.Text:
		return fmt.Sprintf("%.40q", v.text)
	case cbor.Bytes:
		return fmt.Sprintf("%d bytes", len(v.text))
	case cbor.Array:
		return fmt.Sprintf("an array of %d", len(v.items))
	case cbor.Map:
		return fmt.Sprintf("a map of %d", len(v.pairs))
	default:
		return map[byte]string{cbor.False: "false", cbor.True: "true", cbor.Null: "null"}[v.first]
	}
}

func integer(n *big.Int) value { return value{kind: cbor.Uint, num: n} }

func text(s string) (value, bool) {
	return value{kind: cbor.Text, text: []byte(s)}, utf8.ValidString(s)
}

func simple(first byte) value { return value{kind: cbor.Simple, first: first} }
