package reconcile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"pgregory.net/rapid"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/crdt/crdttest"
)

// wireMessage is a message as it is encoded. Which keys there are depends on
// the kind; see messageKeys. An optional key is there if and only if its value is not
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
		MaxMapPairs:       16,
		MaxArrayElements:  MessageBytesMax / 16,
	}.DecMode()
	if err != nil {
		panic(err) // the options are constants
	}
	return mode
}()

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

// decodeGenerally is Decode by a general library: what it decodes has to be encoded
// again as the same bytes.
func decodeGenerally(b []byte) (Message, error) {
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
	f := messageKeys[m.kind]
	has := func(key int, some bool) bool { return f.must.has(key) || f.may.has(key) && some }
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
		w.Symbols = nonNil(symbolsOf(m.symbols))
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
	if w.Kind == 0 || w.Kind >= uint64(len(messageKeys)) {
		return Message{}, violation("unknown kind %d of message", w.Kind)
	}
	m := Message{kind: Kind(w.Kind)}
	f, have := messageKeys[m.kind], w.keys()
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

func (w wireMessage) keys() (have keySet) {
	v := reflect.ValueOf(w)
	for i := 1; i < v.NumField(); i++ { // after the kind, in the order of the keys
		if !v.Field(i).IsNil() {
			have |= keys(i + 1)
		}
	}
	return have
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

func symbolsOf(symbols []uint64) (b []byte) {
	for _, s := range symbols {
		b = binary.LittleEndian.AppendUint64(b, s)
	}
	return b
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

// anyMessage draws a message of a form that is sent, with its entries encoded
// already where pages and pushes have them so.
func anyMessage(t *rapid.T) Message {
	named := messages()
	m := named[rapid.SampledFrom(slices.Sorted(maps.Keys(named))).Draw(t, "form")]
	number := rapid.OneOf(rapid.Uint64(), rapid.Uint64Range(0, 300))
	if m.kind == KindPage || m.kind == KindPush {
		m.entries = crdttest.Entries().Draw(t, "entries")
		if rapid.Bool().Draw(t, "encoded") {
			m.encoded, m.count = crdt.AppendEntries(nil, m.entries), uint64(m.entries.Len())
			m.entries = crdt.Entries{}
		}
	}
	if m.more && m.kind == KindPage || m.kind == KindPull {
		m.cursor = crdt.Cursor(number.Draw(t, "cursor"))
	}
	if messageKeys[m.kind].must.has(keyIncarnation) {
		m.incarnation = crdt.Stamp(number.Draw(t, "incarnation"))
	}
	if messageKeys[m.kind].must.has(keyChanged) {
		m.changed, m.skipped = number.Draw(t, "changed"), number.Draw(t, "skipped")
	}
	return m
}

func TestTheCodecDoesWhatAGeneralOneDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := anyMessage(t)
		want, err := m.wire().encode()
		if err != nil {
			t.Fatal(err)
		}
		b, err := m.Encode()
		if err != nil || !bytes.Equal(b, want) {
			t.Fatalf("encoded %x, %v, want %x", b, err, want)
		}
		expectTheSame(t, b)
		expectTheSame(t, append([]byte{0xa0}, b[1:]...))
		for range rapid.IntRange(1, 3).Draw(t, "faults") {
			at := rapid.IntRange(0, min(len(b), 1+rapid.IntRange(1, 100).Draw(t, "within"))-1).Draw(t, "at")
			fresh := rapid.SampledFrom([]byte{0x00, 0x01, 0x03, 0x0a, 0x0e, 0x18, 0x1b, 0x20, 0x40, 0x60, 0x80, 0xa0, 0xa1, 0xa4, 0xc0, 0xf4, 0xf6, 0xf9, 0xff}).Draw(t, "byte")
			switch rapid.IntRange(0, 3).Draw(t, "fault") {
			case 0:
				b[at] = fresh
			case 1:
				b = slices.Insert(b, at, fresh)
			case 2:
				b[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
			case 3:
				b = b[:max(at, 1)]
			}
			expectTheSame(t, b)
		}
	})
}

// expectTheSame checks that both codecs refuse b, or both decode it alike.
func expectTheSame(t *rapid.T, b []byte) {
	got, err := Decode(b)
	want, wantErr := decodeGenerally(b)
	if (err == nil) != (wantErr == nil) || !reflect.DeepEqual(got, want) {
		t.Fatalf("%x: decoded %+v, %v; want %+v, %v", b, got, err, want, wantErr)
	}
}
