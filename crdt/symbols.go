package crdt

import (
	"encoding/binary"
	"hash/maphash"
	"iter"
	"slices"
)

// SymbolStatus says what became of the entry that a symbol stands for.
type SymbolStatus uint8

// What there is to say of a symbol.
const (
	SymbolUnknown  SymbolStatus = iota // it never was here, or it was replaced long ago
	SymbolReplaced                     // a later record took its place not long ago
	SymbolCurrent                      // it is here
)

// AppendBySymbol appends to dst what a peer lacks who asks for a symbol
// ([Fingerprint.Symbol]): the entry it stands for or, when that has just been
// replaced, the one that stands for the same ID now; of an unknown symbol,
// nothing. A symbol of 64 bits is no identity, and somebody who wants to can
// make two entries that share one: all that do are appended, in the order of
// their IDs.
func (s *State) AppendBySymbol(dst Entries, symbol uint64) (Entries, SymbolStatus) {
	s.enterAll()
	if ids := s.idsOf(symbol); len(ids) > 0 {
		for _, id := range ids {
			dst.Add(s.Record(id))
		}
		return dst, SymbolCurrent
	}
	ids := s.replaced.idsOf(s.hashSymbol(symbol), symbol)
	if len(ids) == 0 {
		return dst, SymbolUnknown
	}
	for _, id := range ids {
		dst.Add(s.Record(id))
	}
	return dst, SymbolReplaced
}

// Symbols goes through the symbols of all entries, each as often as there are
// entries that share it. The order is arbitrary. The state must not be written
// to meanwhile.
func (s *State) Symbols() iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		for i := range s.tombstones.Len() {
			if !yield(s.tombstones.At(i).fingerprint.symbol()) {
				return
			}
		}
		for i := range s.heroes.Len() {
			if !yield(s.heroes.At(i).fingerprint.symbol()) {
				return
			}
		}
	}
}

// idsOf returns the IDs of the entries that share a symbol. The order in which
// the table has them depends on its key, so it must not be seen.
func (s *State) idsOf(symbol uint64) (ids []ID) {
	p := s.symbols.Probe(s.hashSymbol(symbol))
	for r := ref(p.Next()); r != none; r = ref(p.Next()) {
		if s.fingerprintAt(r).symbol() == symbol {
			ids = append(ids, s.idAt(r))
		}
	}
	slices.SortFunc(ids, ID.Compare)
	return ids
}

func (s *State) hashSymbol(symbol uint64) uint64 {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], symbol)
	return maphash.Bytes(s.seed, b[:])
}
