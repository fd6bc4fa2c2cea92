package reconcile

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/fxamacker/cbor/v2"

	"github.com/citynode/citynode/crdt"
)

const (
	// nestingMax counts containers from the message's map on: the map, its
	// entries, their array, a hero.
	nestingMax = 4
	// mapPairsMax and arrayElementsMax are checked before anything is
	// allocated. An entry takes 21 bytes at least, so no message has more.
	mapPairsMax      = 16
	arrayElementsMax = MessageBytesMax / 16

	symbolBytes = 8
)

// wireMessage is a message as it is encoded. Which keys there are depends on
// the kind; see forms. An optional key is there if and only if its value is not
// zero or empty.
type wireMessage struct {
	Kind        uint64          `cbor:"1,keyasint"`
	Hello       *wireHello      `cbor:"2,keyasint,omitempty"`
	Cursor      *uint64         `cbor:"3,keyasint,omitempty"`
	Entries     cbor.RawMessage `cbor:"4,keyasint,omitempty"`
	Incarnation *crdt.Stamp     `cbor:"5,keyasint,omitempty"`
	Changed     *uint64         `cbor:"6,keyasint,omitempty"`
	Skipped     *uint64         `cbor:"7,keyasint,omitempty"`
	Cells       *uint64         `cbor:"8,keyasint,omitempty"`
	Prefix      *[]byte         `cbor:"9,keyasint,omitempty"`
	Audit       *wireAudit      `cbor:"10,keyasint,omitempty"`
	Symbols     *[]byte         `cbor:"11,keyasint,omitempty"`
	Replaced    cbor.RawMessage `cbor:"12,keyasint,omitempty"`
	Unknown     *uint64         `cbor:"13,keyasint,omitempty"`
	More        *bool           `cbor:"14,keyasint,omitempty"`
}

type wireHello struct {
	Incarnation crdt.Stamp   `cbor:"1,keyasint"`
	Summary     crdt.Summary `cbor:"2,keyasint"`
	Now         crdt.Stamp   `cbor:"3,keyasint"`
}

type wireAudit struct {
	Salt  uint64 `cbor:"1,keyasint"`
	Parts uint64 `cbor:"2,keyasint"`
}

// keySet is a set of the keys of a wireMessage besides the kind.
type keySet uint16

const (
	keyHello keySet = 1 << iota
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

// form is which keys a kind of message must and may have.
type form struct{ must, may keySet }

var forms = [...]form{
	KindHello:       {must: keyHello},
	KindSame:        {must: keyHello},
	KindDiffer:      {must: keyHello | keyPrefix},
	KindAsk:         {must: keyCells, may: keyAudit},
	KindSketch:      {must: keyHello | keyPrefix, may: keyMore},
	KindWant:        {must: keySymbols, may: keyAudit},
	KindFound:       {must: keyEntries | keyIncarnation, may: keyReplaced | keyUnknown | keyMore},
	KindPull:        {must: keyCursor},
	KindPage:        {must: keyEntries | keyIncarnation, may: keyCursor},
	KindPush:        {must: keyEntries},
	KindDone:        {must: keyChanged | keySkipped},
	KindAgreed:      {must: keyIncarnation | keyChanged | keySkipped},
	KindUnavailable: {},
}

var encMode = func() cbor.EncMode {
	mode, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		panic(err) // the options are constants
	}
	return mode
}()

var decMode = func() cbor.DecMode {
	mode, err := cbor.DecOptions{
		DupMapKey:         cbor.DupMapKeyEnforcedAPF,
		IndefLength:       cbor.IndefLengthForbidden,
		TagsMd:            cbor.TagsForbidden,
		ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
		MaxNestedLevels:   nestingMax,
		MaxMapPairs:       mapPairsMax,
		MaxArrayElements:  arrayElementsMax,
	}.DecMode()
	if err != nil {
		panic(err) // the options are constants
	}
	return mode
}()

// Encode is the canonical encoding of the message, at most MessageBytesMax
// bytes. It fails only if the replica's page was far larger than it may be.
func (m Message) Encode() ([]byte, error) {
	if b, ok := m.quickEncode(); ok {
		return b, nil
	}
	return m.wire().encode()
}

func (w wireMessage) encode() ([]byte, error) {
	b, err := encMode.Marshal(w)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", Kind(w.Kind), err)
	}
	if len(b) > MessageBytesMax {
		return nil, fmt.Errorf("encode %s: %d bytes, at most %d", Kind(w.Kind), len(b), MessageBytesMax)
	}
	return b, nil
}

// Decode reads one message. It accepts exactly the canonical encoding of a
// valid one; every error matches ErrProtocol. The message shares no memory with
// b.
func Decode(b []byte) (Message, error) {
	if len(b) > MessageBytesMax {
		return Message{}, violation("a message of %d bytes, at most %d", len(b), MessageBytesMax)
	}
	if m, ok := quickDecode(b); ok {
		return m, nil
	}
	return decode(b)
}

// decode is Decode of any message.
func decode(b []byte) (Message, error) {
	var w wireMessage
	if err := decMode.Unmarshal(b, &w); err != nil {
		return Message{}, violation("decode a message: %w", err)
	}
	m, err := w.message()
	if err != nil {
		return Message{}, err
	}
	// Entries have been accepted in their one form, so what is compared here
	// is the rest.
	if again, err := w.encode(); err != nil || !bytes.Equal(again, b) {
		return Message{}, violation("%s is not in canonical form", m.kind)
	}
	return m, nil
}

func (m Message) wire() wireMessage {
	w := wireMessage{Kind: uint64(m.kind)}
	f := forms[m.kind]
	has := func(k keySet, some bool) bool { return f.must&k != 0 || f.may&k != 0 && some }
	if has(keyHello, true) {
		w.Hello = (*wireHello)(&m.hello)
	}
	if has(keyCursor, m.more) {
		w.Cursor = (*uint64)(&m.cursor)
	}
	if has(keyEntries, true) {
		w.Entries = encodedEntries(m.encoded, m.entries)
	}
	if has(keyIncarnation, true) {
		w.Incarnation = &m.incarnation
	}
	if has(keyChanged, true) {
		w.Changed, w.Skipped = &m.changed, &m.skipped
	}
	if has(keyCells, true) {
		w.Cells = &m.cells
	}
	if has(keyPrefix, true) {
		w.Prefix = nonNil(m.prefix)
	}
	if has(keyAudit, !m.audit.IsZero()) {
		w.Audit = (*wireAudit)(&m.audit)
	}
	if has(keySymbols, true) {
		w.Symbols = nonNil(appendSymbols(nil, m.symbols))
	}
	if has(keyReplaced, m.replaced.Len() > 0) {
		w.Replaced = encodedEntries(nil, m.replaced)
	}
	if has(keyUnknown, m.unknown > 0) {
		w.Unknown = &m.unknown
	}
	if has(keyMore, m.more) {
		w.More = &m.more
	}
	return w
}

func (w wireMessage) message() (Message, error) {
	if w.Kind == 0 || w.Kind >= uint64(len(forms)) {
		return Message{}, violation("unknown kind %d of message", w.Kind)
	}
	m := Message{kind: Kind(w.Kind)}
	f, have := forms[m.kind], w.keys()
	if have&f.must != f.must || have&^(f.must|f.may) != 0 {
		return Message{}, violation("%s has not the keys that it must have", m.kind)
	}
	assign((*wireHello)(&m.hello), w.Hello)
	assign((*uint64)(&m.cursor), w.Cursor)
	assign(&m.incarnation, w.Incarnation)
	assign(&m.changed, w.Changed)
	assign(&m.skipped, w.Skipped)
	assign(&m.cells, w.Cells)
	assign(&m.prefix, w.Prefix)
	assign((*wireAudit)(&m.audit), w.Audit)
	assign(&m.unknown, w.Unknown)
	assign(&m.more, w.More)
	if m.kind == KindPage {
		m.more = w.Cursor != nil
	}
	return m, errorsOf(&m, w)
}

// errorsOf decodes the parts that are checked further, and whether the optional
// ones say something.
func errorsOf(m *Message, w wireMessage) (err error) {
	if m.entries, err = decodedEntries(w.Entries); err != nil {
		return err
	}
	if m.replaced, err = decodedEntries(w.Replaced); err != nil {
		return err
	}
	if w.Symbols != nil {
		if m.symbols, err = decodedSymbols(*w.Symbols); err != nil {
			return err
		}
	}
	switch {
	case w.Audit != nil && m.audit.IsZero(),
		w.Replaced != nil && m.replaced.Len() == 0,
		w.Unknown != nil && m.unknown == 0,
		w.More != nil && !m.more:
		return violation("%s has an optional key that says nothing", m.kind)
	}
	return checkAudit(m.audit)
}

func (w wireMessage) keys() (keys keySet) {
	for _, k := range []struct {
		key  keySet
		have bool
	}{
		{keyHello, w.Hello != nil},
		{keyCursor, w.Cursor != nil},
		{keyEntries, w.Entries != nil},
		{keyIncarnation, w.Incarnation != nil},
		{keyChanged, w.Changed != nil},
		{keySkipped, w.Skipped != nil},
		{keyCells, w.Cells != nil},
		{keyPrefix, w.Prefix != nil},
		{keyAudit, w.Audit != nil},
		{keySymbols, w.Symbols != nil},
		{keyReplaced, w.Replaced != nil},
		{keyUnknown, w.Unknown != nil},
		{keyMore, w.More != nil},
	} {
		if k.have {
			keys |= k.key
		}
	}
	return keys
}

func assign[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// nonNil points to b, or to an empty slice, which unlike nil is encoded as a
// byte string.
func nonNil(b []byte) *[]byte {
	if b == nil {
		b = []byte{}
	}
	return &b
}

func encodedEntries(encoded []byte, e crdt.Entries) cbor.RawMessage {
	if encoded != nil {
		return encoded
	}
	return crdt.AppendEntries(nil, e)
}

func decodedEntries(b []byte) (crdt.Entries, error) {
	if b == nil {
		return crdt.Entries{}, nil
	}
	e, err := crdt.DecodeEntries(b)
	if err != nil {
		return crdt.Entries{}, violation("entries: %w", err)
	}
	return e, nil
}

func appendSymbols(dst []byte, symbols []uint64) []byte {
	for _, s := range symbols {
		dst = binary.LittleEndian.AppendUint64(dst, s)
	}
	return dst
}

func decodedSymbols(b []byte) ([]uint64, error) {
	if len(b)%symbolBytes != 0 {
		return nil, violation("symbols of %d bytes", len(b))
	}
	symbols := make([]uint64, 0, len(b)/symbolBytes)
	for ; len(b) > 0; b = b[symbolBytes:] {
		symbols = append(symbols, binary.LittleEndian.Uint64(b))
	}
	return symbols, nil
}
