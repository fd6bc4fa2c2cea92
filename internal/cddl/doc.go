// Package cddl checks CBOR against a schema in CDDL (RFC 8610). It serves the
// tests of docs/wire and of nothing else.
//
// [Parse] reads a schema by the grammar of RFC 8610, appendix B. It refuses, by
// name, the parts of the language that docs/wire has no use for: generics, sockets,
// unwrapping (~), enumerations of groups (&), tags and major types (#), floats, and
// all control operators but .size, .regexp, .eq, .ne, .lt, .le, .gt and .ge. A name
// that no rule defines is refused too, as is a rule that nothing can reach.
//
// [Schema.Check] matches as appendix A says: choices are prioritised, occurrences
// are greedy, and what has matched is not taken back. A key with a cut (^, or a
// colon) that matches commits the pair to its entry.
//
// It never recurses deeper than the value that is checked, reads no file, and knows
// no message of citynode.
package cddl
