package reconcile

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/citynode/citynode/crdt"
)

// Audit names a sketch other than the one that a replica keeps up to date: it is
// of the IDs of one part of all IDs, with symbols hashed afresh. It is built by a walk through the state, so
// it also shows what that sketch cannot: two entries made to have the same
// symbol, sets made to have the same digest, a sketch that went wrong.
// The zero Audit names the replica's own sketch.
type Audit struct {
	// Salt goes into each symbol, and into which part an ID belongs to. The
	// initiator draws it, so that nobody can prepare for it.
	Salt uint64
	// Parts is into how many parts the IDs are split; the audit is of the
	// first. 1 audits all.
	Parts uint64
}

const (
	// auditPartsMax keeps a part from being empty in any state worth an audit.
	auditPartsMax = 1 << 16
	// auditSampleParts is of how many parts an audit takes one that is not told.
	auditSampleParts = 64
)

// IsZero reports whether this is no audit.
func (a Audit) IsZero() bool { return a == Audit{} }

// Covers reports whether the ID belongs to the part that is audited.
func (a Audit) Covers(id crdt.ID) bool {
	if a.Parts <= 1 {
		return true
	}
	// The finalizer of MurmurHash3 spreads what others chose over all bits.
	h := binary.LittleEndian.Uint64(id[:8]) ^ a.Salt
	h = (h ^ binary.LittleEndian.Uint64(id[8:])) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return (h^h>>33)%a.Parts == 0
}

// Symbol returns an entry's symbol in the audit's sketch: the first 8 bytes, little
// endian, of the SHA-256 of the salt (8 bytes, little endian) and the
// fingerprint. Without an audit it is the symbol in the replica's own sketch.
func (a Audit) Symbol(f crdt.Fingerprint) uint64 {
	if a.IsZero() {
		return f.Symbol()
	}
	var b [8 + len(f)]byte
	binary.LittleEndian.PutUint64(b[:], a.Salt)
	copy(b[8:], f[:])
	sum := sha256.Sum256(b[:])
	return binary.LittleEndian.Uint64(sum[:])
}

// String returns words to stand behind others in a log, none for no audit.
func (a Audit) String() string {
	if a.IsZero() {
		return ""
	}
	return fmt.Sprintf(", audit %#x of 1/%d", a.Salt, a.Parts)
}

// checkAudit refuses an audit that no correct program asks for.
func checkAudit(a Audit) error {
	if a.Parts > auditPartsMax || a.Parts == 0 && a.Salt != 0 {
		return violation("an audit of 1/%d", a.Parts)
	}
	return nil
}
