package reconcile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/cbor"
)

const (
	// nestingMax counts containers from the message's map on: the map, its
	// entries, their array, a hero.
	nestingMax = 4
	// envelopeBytesMax is more than a message takes besides its entries, cells
	// and symbols: with a hello under 80 bytes.
	envelopeBytesMax = 128

	symbolBytes = 8
)

// The keys of a message, whose encoding is the number itself in one byte.
const (
	keyKind = 1 + iota
	keyHello
	keyCursor
	keyEntries
	keyIncarnation
	keyChanged
	keySkipped
	keyCells
	keyPrefix
	keyAudit
	keySymbols
	keyReplaced
	keyUnknown
	keyMore
)

// keySet is a set of keys: bit n stands for key n.
type keySet uint16

// keys returns the set of some keys.
func keys(list ...int) (s keySet) {
	for _, key := range list {
		s |= 1 << key
	}
	return s
}

func (s keySet) has(key int) bool { return s&(1<<key) != 0 }

// messageKeys are the keys, besides the kind, that a message of each kind must
// and may have. An optional key is there if and only if its value is not zero
// or empty.
var messageKeys = [...]struct{ must, may keySet }{
	KindHello:       {must: keys(keyHello)},
	KindSame:        {must: keys(keyHello)},
	KindDiffer:      {must: keys(keyHello, keyPrefix)},
	KindAsk:         {must: keys(keyCells), may: keys(keyAudit)},
	KindSketch:      {must: keys(keyHello, keyPrefix), may: keys(keyMore)},
	KindWant:        {must: keys(keySymbols), may: keys(keyAudit)},
	KindFound:       {must: keys(keyEntries, keyIncarnation), may: keys(keyReplaced, keyUnknown, keyMore)},
	KindPull:        {must: keys(keyCursor)},
	KindPage:        {must: keys(keyEntries, keyIncarnation), may: keys(keyCursor)},
	KindPush:        {must: keys(keyEntries)},
	KindDone:        {must: keys(keyChanged, keySkipped)},
	KindAgreed:      {must: keys(keyIncarnation, keyChanged, keySkipped)},
	KindUnavailable: {},
}

// part is how the value under one key is written and read.
type part struct {
	// says reports whether the value says something, for optional keys.
	says   func(m *Message) bool
	append func(dst []byte, m *Message) []byte
	read   func(r *cbor.Reader, m *Message)
}

// parts are those of a message by their keys.
var parts = [keyMore + 1]part{
	keyHello:  {nil, appendHello, readHello},
	keyCursor: number(func(m *Message) *uint64 { return (*uint64)(&m.cursor) }).saying(func(m *Message) bool { return m.more }),
	keyEntries: {
		nil,
		func(dst []byte, m *Message) []byte {
			if m.encoded != nil {
				return append(dst, m.encoded...)
			}
			return crdt.AppendEntries(dst, m.entries)
		},
		func(r *cbor.Reader, m *Message) { m.entries = readEntries(r) },
	},
	keyIncarnation: number(func(m *Message) *uint64 { return (*uint64)(&m.incarnation) }),
	keyChanged:     number(func(m *Message) *uint64 { return &m.changed }),
	keySkipped:     number(func(m *Message) *uint64 { return &m.skipped }),
	keyCells:       number(func(m *Message) *uint64 { return &m.cells }),
	keyPrefix: {
		nil,
		func(dst []byte, m *Message) []byte { return cbor.AppendBytes(dst, m.prefix) },
		func(r *cbor.Reader, m *Message) { m.prefix = append([]byte{}, readBytes(r)...) },
	},
	keyAudit:   {func(m *Message) bool { return !m.audit.IsZero() }, appendAudit, readAudit},
	keySymbols: {nil, appendSymbols, readSymbols},
	keyReplaced: {
		func(m *Message) bool { return m.replaced.Len() > 0 },
		func(dst []byte, m *Message) []byte { return crdt.AppendEntries(dst, m.replaced) },
		func(r *cbor.Reader, m *Message) { m.replaced = readEntries(r) },
	},
	keyUnknown: number(func(m *Message) *uint64 { return &m.unknown }).saying(func(m *Message) bool { return m.unknown > 0 }),
	keyMore: {
		func(m *Message) bool { return m.more },
		func(dst []byte, m *Message) []byte { return cbor.AppendBool(dst, m.more) },
		func(r *cbor.Reader, m *Message) { m.more = r.Bool("more") },
	},
}

// number returns the part that is the unsigned integer at field.
func number(field func(m *Message) *uint64) part {
	return part{
		append: func(dst []byte, m *Message) []byte { return cbor.AppendUint(dst, *field(m)) },
		read:   func(r *cbor.Reader, m *Message) { *field(m) = r.Uint("value") },
	}
}

// saying returns the part for an optional key.
func (p part) saying(says func(m *Message) bool) part {
	p.says = says
	return p
}

// Encode returns the canonical encoding of the message, at most MessageBytesMax
// bytes. It fails only if the replica's page was far larger than it may be.
func (m Message) Encode() ([]byte, error) {
	have := m.keys()
	b := make([]byte, 0, m.bytesHint())
	b = cbor.AppendHead(b, cbor.Map, uint64(1+bits.OnesCount16(uint16(have))))
	b = cbor.AppendUint(append(b, keyKind), uint64(m.kind))
	for key := keyHello; key <= keyMore; key++ {
		if have.has(key) {
			b = parts[key].append(append(b, byte(key)), &m)
		}
	}
	if len(b) > MessageBytesMax {
		return nil, fmt.Errorf("encode %s: %d bytes, at most %d", m.kind, len(b), MessageBytesMax)
	}
	return b, nil
}

// keys returns the keys, besides the kind, that the message has on the wire.
func (m *Message) keys() keySet {
	have := messageKeys[m.kind].must
	for key := keyHello; key <= keyMore; key++ {
		if messageKeys[m.kind].may.has(key) && parts[key].says(m) {
			have |= keys(key)
		}
	}
	return have
}

// bytesHint returns about how many bytes the encoding takes, so that it is
// allocated once.
func (m *Message) bytesHint() int {
	size := envelopeBytesMax + len(m.encoded) + len(m.prefix) + symbolBytes*len(m.symbols)
	if m.encoded == nil {
		size += crdt.EntriesSize(m.entries) + crdt.EntriesSize(m.replaced)
	}
	return size
}

// Decode reads one message. It accepts exactly the canonical encoding of a
// valid one; every error matches ErrProtocol. The message shares no memory with
// b.
func Decode(b []byte) (Message, error) {
	if len(b) > MessageBytesMax {
		return Message{}, violation("a message of %d bytes, at most %d", len(b), MessageBytesMax)
	}
	r := cbor.NewReader(b, cbor.Limits{Nesting: nestingMax})
	m := readMessage(&r)
	r.End()
	if err := r.Err(); err != nil {
		return Message{}, violation("decode a message: %w", err)
	}
	return m, nil
}

// readMessage reads a message whose keys are in order, from the kind on.
func readMessage(r *cbor.Reader) (m Message) {
	pairs := r.Map("message")
	if pairs == 0 {
		r.Failf(0, "a message without a kind")
	}
	readKey(r, keyKind)
	kind := r.Uint("kind")
	if kind == 0 || kind >= uint64(len(messageKeys)) {
		r.Failf(r.At(), "unknown kind %d of message", kind)
		return m
	}
	m.kind = Kind(kind)
	must, may := messageKeys[kind].must, messageKeys[kind].may
	var have keySet
	for last := keyKind; pairs > 1 && !r.Failed(); pairs-- {
		start := r.At()
		key := r.Uint("key")
		if key <= uint64(last) || key > keyMore || !(must | may).has(int(key)) {
			r.Failf(start, "key %d of %s is repeated, out of order or unknown", key, m.kind)
			return m
		}
		last = int(key)
		have |= keys(last)
		parts[last].read(r, &m)
		if may.has(last) && last != keyCursor && !parts[last].says(&m) {
			r.Failf(start, "%s has an optional key %d that says nothing", m.kind, last)
		}
	}
	if have&must != must {
		r.Failf(r.At(), "%s has not the keys that it must have", m.kind)
	}
	m.more = m.more || m.kind == KindPage && have.has(keyCursor)
	return m
}

// readKey reads the key that must come next in a map that has all its keys.
func readKey(r *cbor.Reader, want uint64) {
	start := r.At()
	if key := r.Uint("key"); key != want {
		r.Failf(start, "key %d where %d was due", key, want)
	}
}

// readFields reads the head of a map of n pairs, all of which must be there.
func readFields(r *cbor.Reader, n int) {
	start := r.At()
	if pairs := r.Map(""); pairs != n {
		r.Failf(start, "%d keys, want %d", pairs, n)
	}
}

func appendHello(dst []byte, m *Message) []byte {
	dst = cbor.AppendHead(dst, cbor.Map, 3)
	dst = cbor.AppendUint(append(dst, 1), uint64(m.hello.Incarnation))
	dst = crdt.AppendSummary(append(dst, 2), m.hello.Summary)
	return cbor.AppendUint(append(dst, 3), uint64(m.hello.Now))
}

func readHello(r *cbor.Reader, m *Message) {
	readFields(r, 3)
	readKey(r, 1)
	m.hello.Incarnation = crdt.Stamp(r.Uint("incarnation"))
	readKey(r, 2)
	m.hello.Summary = readSummary(r)
	readKey(r, 3)
	m.hello.Now = crdt.Stamp(r.Uint("now"))
}

// errNotCanonical is for a summary that is not in its one form, which other
// protocols let pass.
var errNotCanonical = errors.New("not in canonical form")

// readSummary reads a summary, of which this protocol has one form alone: a message
// that is decoded and encoded again gives the same bytes.
func readSummary(r *cbor.Reader) (s crdt.Summary) {
	start := r.At()
	item := r.Item()
	if r.Failed() {
		return s
	}
	err := s.UnmarshalCBOR(item)
	if err == nil && !bytes.Equal(crdt.AppendSummary(nil, s), item) {
		err = errNotCanonical
	}
	if err != nil {
		r.Fail(start, fmt.Errorf("summary: %w", err))
	}
	return s
}

func appendAudit(dst []byte, m *Message) []byte {
	dst = cbor.AppendUint(append(cbor.AppendHead(dst, cbor.Map, 2), 1), m.audit.Salt)
	return cbor.AppendUint(append(dst, 2), m.audit.Parts)
}

func readAudit(r *cbor.Reader, m *Message) {
	start := r.At()
	readFields(r, 2)
	readKey(r, 1)
	m.audit.Salt = r.Uint("salt")
	readKey(r, 2)
	m.audit.Parts = r.Uint("parts")
	if err := checkAudit(m.audit); err != nil {
		r.Fail(start, err)
	}
}

// readEntries reads entries without a look ahead for their end.
func readEntries(r *cbor.Reader) crdt.Entries {
	if r.Failed() {
		return crdt.Entries{}
	}
	e, rest, err := crdt.CutEntries(r.Rest())
	if err != nil {
		r.Fail(r.At(), fmt.Errorf("entries: %w", err))
		return crdt.Entries{}
	}
	r.Advance(r.Left() - len(rest))
	return e
}

func readBytes(r *cbor.Reader) []byte { return r.Bytes("value", 0, MessageBytesMax) }

func appendSymbols(dst []byte, m *Message) []byte {
	dst = cbor.AppendHead(dst, cbor.Bytes, uint64(symbolBytes*len(m.symbols)))
	for _, s := range m.symbols {
		dst = binary.LittleEndian.AppendUint64(dst, s)
	}
	return dst
}

// readSymbols reads symbols, eight bytes each. They take no more memory than they
// did on the wire.
func readSymbols(r *cbor.Reader, m *Message) {
	start := r.At()
	b := readBytes(r)
	if len(b)%symbolBytes != 0 {
		r.Failf(start, "symbols of %d bytes", len(b))
		return
	}
	m.symbols = make([]uint64, 0, len(b)/symbolBytes)
	for ; len(b) > 0; b = b[symbolBytes:] {
		m.symbols = append(m.symbols, binary.LittleEndian.Uint64(b))
	}
}
