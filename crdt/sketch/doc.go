// Package sketch tells two replicas in what their sets differ, at a cost set by
// the size of the difference and not by that of the sets.
//
// It is the rateless invertible Bloom lookup table of Yang, Gilad and Alizadeh
// ("Practical Rateless Set Reconciliation", SIGCOMM 2024, arXiv:2402.02668),
// with its first cells kept up to date on every write, and with sums modulo a
// power of two where they take exclusive or: with a public hash of symbols
// linear algebra finds sets that cancel out under exclusive or.
//
// # The mathematics
//
// A set is one of symbols, 64 bits each, that stand for its entries. It is coded
// into an endless sequence of cells. Each symbol is in some of the cells, in
// cell i with a probability of about 1/(1+i/2), and a cell holds the sum, the
// sum of checks and the count of its symbols. All three are linear: what a write
// takes out and puts in changes about 2·ln m of the first m cells, and the cells
// of one set less those of another are the cells of their difference, whatever
// they have in common. Where one symbol alone is left in a cell of the
// difference it can be read off, and taken out of its other cells, which leaves
// other symbols alone in theirs: peeling. A prefix of about 1.36·d cells (more
// if d is small, see [PrefixFor]) peels a difference of d symbols to nothing.
//
// # What it promises
//
// The same set has the same cells, in whatever order it came to be, on every
// machine: there is no floating point in them. A write costs O(log m) and
// allocates nothing; an answer to a peer is a copy.
//
// [Decode] returns a difference only if that difference explains all the cells
// it was given, and every symbol in it once. It ends in O(m log² m) steps and
// with O(m) memory whatever bytes it is given.
//
// # What it never does
//
// It knows nothing of entries, does no I/O, takes no lock, and reads neither
// clock nor random source. A [Sketch] has one owner, who serialises all calls.
//
// It is no proof against one who makes entries for it: 2^32 work finds two with
// one symbol. What is decoded is a hint about what to exchange.
//
// It does not take up where a prefix ended: the cells of two versions of a sketch
// are those of two sets, and mixed they decode to nothing, unless they happen to
// be those of one version. Each prefix must be of one instant.
//
// # Where it is defined
//
// To the bit in docs/wire/sketch.md: the cells of a symbol, its check, the wire form of
// cells, the decode, and how many cells to ask for, with test vectors that were made
// from that page by a program in another language. In short, a symbol is in cell 0, and
// goes from cell i to cell i + gap, where gap is the paper's (i + 3/2)·(1/√u − 1), u
// uniform in (0, 1]: the greater of two uniform numbers is distributed as the root of
// one, so that no root need be drawn. A cell takes 11 bytes: the sum, the check modulo
// 2^16, the count modulo 256. That is enough because a lone symbol must have a count of
// ±1, the check of its sum, and a sum that maps to the cell it was found in.
package sketch
