// Package cbor reads and writes CBOR (RFC 8949) for the wire and the disk: one
// reader of heads, one appender, one skipper, one check of whole items.
//
// # What it promises
//
// A [Reader] reads one item from its front. Its error is sticky: after the
// first fault every method returns a zero value and reads nothing, so a decoder
// reads straight on and looks at [Reader.Err] at the end. Every length is
// compared with what is left of the input before anybody allocates for it. The
// append functions write the shortest form of every head (RFC 8949 §4.2.1).
// [Check] judges bytes of a stranger before anything is read from them.
//
// # What it never does
//
// It knows no message and no entry: which fields there are, and which values
// they may have, is the business of its callers. It keeps no memory of its
// input and, but for errors and for maps with unsorted keys, allocates nothing.
package cbor
