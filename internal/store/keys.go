package store

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/citynode/citynode/crdt"
)

// The first byte of a key. The disk has these numbers, so none may change its meaning. The
// epoch sorts first: who reads all keys knows it before the records that it judges.
const (
	tableEpoch   byte = 1
	tableFacts   byte = 2
	tableAnswers byte = 3
	tableRecords byte = 4
	tableEnd     byte = 5
)

// The first byte of a record, on the disk as well.
const (
	kindHero      byte = 1
	kindTombstone byte = 2
)

// Sizes in bytes.
const (
	epochKeyBytes     = 1 + 8
	recordKeyBytes    = epochKeyBytes + 16
	answerDigestBytes = 16
	answerKeyBytes    = epochKeyBytes + 8 + answerDigestBytes
	factsBytes        = 16
)

var errMalformed = errors.New("malformed")

// epochKey returns where the records or answers of an epoch begin. It has room for the
// longest key, so that what is appended to it is not copied.
func epochKey(table byte, e Epoch) []byte {
	return binary.BigEndian.AppendUint64(append(make([]byte, 0, answerKeyBytes), table), uint64(e))
}

func recordKey(e Epoch, id crdt.ID) []byte { return append(epochKey(tableRecords, e), id[:]...) }

// answerKey returns the key of an answer. Keys sort by time, so that old answers are one
// range to delete. The digest tells apart what one moment answered.
func answerKey(e Epoch, at time.Time, value []byte) []byte {
	sum := sha256.Sum256(value)
	return append(answersFrom(e, at), sum[:answerDigestBytes]...)
}

// answersFrom returns where the answers of a moment begin. One before 1970 would, as an
// unsigned number, lie in the far future; it counts as 1970.
func answersFrom(e Epoch, at time.Time) []byte {
	return binary.BigEndian.AppendUint64(epochKey(tableAnswers, e), uint64(max(at.UnixNano(), 0)))
}

func setEpoch(e Epoch) op {
	return op{key: []byte{tableEpoch}, value: binary.BigEndian.AppendUint64(nil, uint64(e))}
}

func setFacts(f Facts) op {
	value := binary.BigEndian.AppendUint64(nil, uint64(f.Since))
	return op{key: []byte{tableFacts}, value: binary.BigEndian.AppendUint64(value, uint64(f.Incarnation))}
}

// voided returns the deletion of all that is of an epoch before e. Each is one range,
// so a bomb writes as few bytes for a million heroes as for one.
func voided(e Epoch) []op {
	return []op{
		{key: epochKey(tableAnswers, 0), end: epochKey(tableAnswers, e)},
		{key: epochKey(tableRecords, 0), end: epochKey(tableRecords, e)},
	}
}

// answersBefore returns the deletion of the answers that were given before a moment.
func answersBefore(e Epoch, oldest time.Time) op {
	return op{key: epochKey(tableAnswers, e), end: answersFrom(e, oldest)}
}

// outdated returns the deletion of all that does not count any more at a start.
func outdated(e Epoch, oldest time.Time) []op { return append(voided(e), answersBefore(e, oldest)) }

// batchOps returns the writes of a batch, tombstones last, so that they stand in place
// of heroes. The bytes are made here and belong to the engine, for Memory keeps them.
// There is room for one more: the deletion of old answers.
func batchOps(b Batch) []op {
	ops := make([]op, 0, b.Entries.Len()+len(b.Answers)+1)
	for _, h := range b.Entries.Heroes {
		value := append(make([]byte, 0, 1+crdt.HeroSize(h)), kindHero)
		ops = append(ops, op{key: recordKey(b.Epoch, h.ID), value: crdt.AppendHero(value, h)})
	}
	for _, t := range b.Entries.Tombstones {
		value := append(make([]byte, 0, 1+crdt.TombstoneBytesMax), kindTombstone)
		ops = append(ops, op{key: recordKey(b.Epoch, t.ID), value: crdt.AppendTombstone(value, t)})
	}
	for _, a := range b.Answers {
		value := appendAnswer(nil, a)
		ops = append(ops, op{key: answerKey(b.Epoch, a.At, value), value: value})
	}
	return ops
}

func appendAnswer(dst []byte, a Answer) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(a.Caller)))
	return append(append(dst, a.Caller...), a.Data...)
}

// decodeRecord adds a record to entries. It is strict: the bytes are canonical,
// and the ID is that of the key. A checksum shows that a block is as it was written, not
// that it was written by a program without faults.
func decodeRecord(key, value []byte, into *crdt.Entries) error {
	if len(key) != recordKeyBytes || len(value) == 0 {
		return fmt.Errorf("record of key %x: %w", key, errMalformed)
	}
	id := crdt.ID(key[epochKeyBytes:])
	var got crdt.ID
	switch kind := value[0]; kind {
	case kindHero:
		h, err := crdt.DecodeHero(value[1:])
		if err != nil {
			return fmt.Errorf("hero %v: %w", id, err)
		}
		into.Heroes, got = append(into.Heroes, h), h.ID
	case kindTombstone:
		t, err := crdt.DecodeTombstone(value[1:])
		if err != nil {
			return fmt.Errorf("tombstone %v: %w", id, err)
		}
		into.Tombstones, got = append(into.Tombstones, t), t.ID
	default:
		return fmt.Errorf("record %v of kind %d: %w", id, kind, errMalformed)
	}
	if got != id {
		return fmt.Errorf("record %v has the key of %v: %w", got, id, errMalformed)
	}
	return nil
}

// decodeAnswer reads an answer, and checks it against its key, which has a digest of it.
// It copies: the bytes of a scan are gone after it.
func decodeAnswer(key, value []byte) (Answer, error) {
	n, size := binary.Uvarint(value)
	if len(key) != answerKeyBytes || size <= 0 || n > uint64(len(value)-size) {
		return Answer{}, fmt.Errorf("answer of key %x: %w", key, errMalformed)
	}
	at := time.Unix(0, int64(binary.BigEndian.Uint64(key[epochKeyBytes:]))).UTC()
	if string(answerKey(epochOf(key), at, value)) != string(key) {
		return Answer{}, fmt.Errorf("answer of %v has the key of another: %w", at, errMalformed)
	}
	caller, data := value[size:size+int(n)], value[size+int(n):]
	return Answer{At: at, Caller: string(caller), Data: append([]byte{}, data...)}, nil
}

// epochOf returns the epoch of a key of records or answers.
func epochOf(key []byte) Epoch { return Epoch(binary.BigEndian.Uint64(key[1:epochKeyBytes])) }

func stamp(b []byte) crdt.Stamp { return crdt.Stamp(binary.BigEndian.Uint64(b)) }
