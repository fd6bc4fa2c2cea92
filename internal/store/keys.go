package store

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/citynode/citynode/crdt"
)

// The first byte of a key. The disk has these numbers, so none may change its meaning. The
// epoch sorts first: who reads all keys knows it before the records that it judges.
const (
	tableEpoch   byte = 1
	tableFacts   byte = 2
	tableOld     byte = 3 // answers by the time at which they were given; deleted
	tableRecords byte = 4
	tableAnswers byte = 5
	tableEnd     byte = 6
)

// The first byte of a record, on the disk as well.
const (
	kindHero      byte = 1
	kindTombstone byte = 2
)

// Sizes in bytes.
const (
	epochKeyBytes  = 1 + 8
	recordKeyBytes = epochKeyBytes + 16
	answerKeyBytes = epochKeyBytes + 8
	factsBytes     = 16
)

var errMalformed = errors.New("malformed")

// epochKey returns where the records or answers of an epoch begin. It has room for the
// longest key, so that what is appended to it is not copied.
func epochKey(table byte, e Epoch) []byte {
	return binary.BigEndian.AppendUint64(append(make([]byte, 0, recordKeyBytes), table), uint64(e))
}

func recordKey(e Epoch, id crdt.ID) []byte { return append(epochKey(tableRecords, e), id[:]...) }

func answerKey(e Epoch, number uint64) []byte {
	return binary.BigEndian.AppendUint64(epochKey(tableAnswers, e), number)
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
		{key: []byte{tableOld}, end: []byte{tableOld + 1}},
		{key: epochKey(tableAnswers, 0), end: epochKey(tableAnswers, e)},
		{key: epochKey(tableRecords, 0), end: epochKey(tableRecords, e)},
	}
}

// batchOps returns the writes of a batch, tombstones last, so that they stand in place
// of heroes. The bytes are made here and belong to the engine, for Memory keeps them.
// An answer may have been forgotten before it was written, so deletions come last.
func batchOps(b Batch) []op {
	ops := make([]op, 0, b.Entries.Len()+len(b.Answers)+len(b.Forgotten)+1)
	for _, h := range b.Entries.Heroes {
		value := append(make([]byte, 0, 1+crdt.HeroSize(h)), kindHero)
		ops = append(ops, op{key: recordKey(b.Epoch, h.ID), value: crdt.AppendHero(value, h)})
	}
	for _, t := range b.Entries.Tombstones {
		value := append(make([]byte, 0, 1+crdt.TombstoneBytesMax), kindTombstone)
		ops = append(ops, op{key: recordKey(b.Epoch, t.ID), value: crdt.AppendTombstone(value, t)})
	}
	if b.OnlyAnswers {
		ops = append(ops, op{key: epochKey(tableAnswers, b.Epoch), end: epochKey(tableAnswers, b.Epoch+1)})
	}
	for _, a := range b.Answers {
		ops = append(ops, op{key: answerKey(b.Epoch, a.Number), value: appendAnswer(nil, a)})
	}
	for _, number := range b.Forgotten {
		ops = append(ops, op{key: answerKey(b.Epoch, number)})
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

// decodeAnswer reads an answer. It copies: the bytes of a scan are gone after it.
func decodeAnswer(key, value []byte) (Answer, error) {
	n, size := binary.Uvarint(value)
	if len(key) != answerKeyBytes || size <= 0 || n > uint64(len(value)-size) {
		return Answer{}, fmt.Errorf("answer of key %x: %w", key, errMalformed)
	}
	caller, data := value[size:size+int(n)], value[size+int(n):]
	return Answer{
		Number: binary.BigEndian.Uint64(key[epochKeyBytes:]),
		Caller: string(caller),
		Data:   append([]byte{}, data...),
	}, nil
}

// epochOf returns the epoch of a key of records or answers.
func epochOf(key []byte) Epoch { return Epoch(binary.BigEndian.Uint64(key[1:epochKeyBytes])) }

func stamp(b []byte) crdt.Stamp { return crdt.Stamp(binary.BigEndian.Uint64(b)) }
