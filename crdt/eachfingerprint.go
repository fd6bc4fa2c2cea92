package crdt

import (
	"crypto/sha256"

	"github.com/citynode/citynode/internal/cbor"
)

// EachFingerprint calls f with the ID and the fingerprint of each entry of a batch whose ID
// is covered, in the batch's order, without decoding or copying any. b is what [AppendEntries] or
// [State.AppendPage] made: the entries are not validated. The error is a *[DecodeError]
// where b is no such batch; f has been called for what stands before the fault.
func EachFingerprint(b []byte, covered func(ID) bool, f func(ID, Fingerprint)) error {
	// The longest entry that anybody makes fits, and the nesting of none is deeper.
	d := newDecoder(b, cbor.Limits{Nesting: looseNestingMax, Elements: looseElementsMax})
	var buf [1 + HeroBytesMax]byte
	for range d.Map("entries") {
		if d.kind = KindHero; d.Uint("key") == keyTombstones {
			d.kind = KindTombstone
		}
		for range d.Array("entries", idItemBytes) {
			start := d.At()
			item := d.Item()
			entry := cbor.NewReader(item, cbor.Limits{})
			entry.Expect(cbor.Array, "entry")
			id := entry.Bytes("id", len(ID{}), len(ID{}))
			if entry.Failed() || len(item) > HeroBytesMax {
				d.Failf(start, "is no entry")
			}
			if d.Failed() {
				return d.fault()
			}
			if !covered(ID(id)) {
				continue
			}
			f(ID(id), sha256.Sum256(append(append(buf[:0], byte(d.kind)), item...)))
		}
	}
	d.End()
	return d.fault()
}
