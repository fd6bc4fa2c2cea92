package reconcile

import (
	"bytes"
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
)

// wireMessage is a message as it is encoded. Which keys there are depends on
// the kind; see forms.
type wireMessage struct {
	Kind        uint64        `cbor:"1,keyasint"`
	Hello       *wireHello    `cbor:"2,keyasint,omitempty"`
	Cursor      *uint64       `cbor:"3,keyasint,omitempty"`
	Entries     *crdt.Entries `cbor:"4,keyasint,omitempty"`
	Incarnation *crdt.Stamp   `cbor:"5,keyasint,omitempty"`
	Changed     *uint64       `cbor:"6,keyasint,omitempty"`
	Skipped     *uint64       `cbor:"7,keyasint,omitempty"`
}

type wireHello struct {
	Incarnation crdt.Stamp   `cbor:"1,keyasint"`
	Summary     crdt.Summary `cbor:"2,keyasint"`
	Now         crdt.Stamp   `cbor:"3,keyasint"`
}

// keySet is a set of the keys of a wireMessage besides the kind.
type keySet uint8

const (
	keyHello keySet = 1 << iota
	keyCursor
	keyEntries
	keyIncarnation
	keyChanged
	keySkipped
)

// forms gives, for each kind, the keys that it must have.
var forms = map[Kind]keySet{
	KindHello:       keyHello,
	KindSame:        keyHello,
	KindDiffer:      keyHello,
	KindPull:        keyCursor,
	KindPage:        keyEntries | keyIncarnation, // and the cursor, if more follows
	KindPush:        keyEntries,
	KindPushed:      keyIncarnation | keyChanged | keySkipped,
	KindDone:        keyChanged | keySkipped,
	KindAgreed:      keyIncarnation,
	KindUnavailable: 0,
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
	b, err := encMode.Marshal(m.wire())
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", m.kind, err)
	}
	if len(b) > MessageBytesMax {
		return nil, fmt.Errorf("encode %s: %d bytes, at most %d", m.kind, len(b), MessageBytesMax)
	}
	return b, nil
}

// Decode reads one message. It accepts exactly the canonical encoding of a
// valid one; every error matches ErrProtocol.
func Decode(b []byte) (Message, error) {
	if len(b) > MessageBytesMax {
		return Message{}, violation("a message of %d bytes, at most %d", len(b), MessageBytesMax)
	}
	var w wireMessage
	if err := decMode.Unmarshal(b, &w); err != nil {
		return Message{}, violation("decode a message: %w", err)
	}
	m, err := w.message()
	if err != nil {
		return Message{}, err
	}
	if again, err := m.Encode(); err != nil || !bytes.Equal(again, b) {
		return Message{}, violation("%s is not in canonical form", m.kind)
	}
	return m, nil
}

func (m Message) wire() wireMessage {
	w := wireMessage{Kind: uint64(m.kind)}
	keys := forms[m.kind]
	if keys&keyHello != 0 {
		w.Hello = (*wireHello)(&m.hello)
	}
	if keys&keyCursor != 0 || m.kind == KindPage && m.more {
		w.Cursor = (*uint64)(&m.cursor)
	}
	if keys&keyEntries != 0 {
		w.Entries = &m.entries
	}
	if keys&keyIncarnation != 0 {
		w.Incarnation = &m.incarnation
	}
	if keys&keyChanged != 0 {
		w.Changed = &m.changed
	}
	if keys&keySkipped != 0 {
		w.Skipped = &m.skipped
	}
	return w
}

func (w wireMessage) message() (Message, error) {
	if w.Kind > uint64(KindUnavailable) {
		return Message{}, violation("unknown kind %d of message", w.Kind)
	}
	kind := Kind(w.Kind)
	want, known := forms[kind]
	if !known {
		return Message{}, violation("unknown kind %d of message", w.Kind)
	}
	have := w.keys()
	if kind == KindPage {
		have &^= keyCursor
	}
	if have != want {
		return Message{}, violation("%s has not the keys that it must have", kind)
	}
	m := Message{kind: kind, more: kind == KindPage && w.Cursor != nil}
	assign((*wireHello)(&m.hello), w.Hello)
	assign((*uint64)(&m.cursor), w.Cursor)
	assign(&m.entries, w.Entries)
	assign(&m.incarnation, w.Incarnation)
	assign(&m.changed, w.Changed)
	assign(&m.skipped, w.Skipped)
	return m, nil
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
