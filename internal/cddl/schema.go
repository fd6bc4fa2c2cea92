package cddl

import (
	"math"
	"math/big"
	"regexp"
)

// A Schema is a set of rules.
type Schema struct {
	rules map[string]*rule
	order []string
}

// Rules returns the names of the rules that the text defines, in its order.
func (s *Schema) Rules() []string { return s.order }

// A rule names a type, or a group where the text can be read as nothing else. A
// type that stands where a group may stand is a group of that one type.
type rule struct {
	name string
	line int
	typ  typ    // nil for a group
	grp  *group // nil for a type
}

// A typ is one form of type: choice, name, literal, bounds, control, mapType or
// arrayType.
type typ interface{}

// A choice matches what the first of its types matches.
type choice []typ

// A name refers to a rule or to a type of the prelude.
type name struct {
	to   string
	line int
}

// A literal matches one value.
type literal struct{ value }

// Bounds match the integers of a range.
type bounds struct {
	low, high *big.Int
	exclusive bool // high is not in it
}

// A control narrows a type by an operator.
type control struct {
	target typ
	op     string
	with   typ
	regexp *regexp.Regexp // of .regexp
}

// A mapType is { … }, an arrayType [ … ].
type (
	mapType   struct{ grp *group }
	arrayType struct{ grp *group }
)

// A group is a choice of sequences of entries.
type group struct{ alternatives [][]entry }

// An entry is one part of a group: a key and a type, a type alone, or a group.
type entry struct {
	min, max int
	key      typ // nil: none
	cut      bool
	val      typ    // nil for a group
	grp      *group // nil for a type
	line     int
}

// unbounded is the greatest number of an occurrence without one.
const unbounded = math.MaxInt
