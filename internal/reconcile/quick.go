package reconcile

import (
	"bytes"
	"encoding/binary"

	"github.com/citynode/citynode/crdt"
)

// Pages and pushes are nearly all bytes of a bulk transfer. They are read and
// written here at a stroke; what is in any way unusual is left to the general
// codec, which accepts the same, and says what is wrong with the rest.

// The encodings of keys and kinds up to 23 are the numbers themselves.
const (
	wireKind, wireCursor, wireEntries, wireIncarnation = 1, 3, 4, 5

	mapOf2, mapOf3, mapOf4 = 0xa2, 0xa3, 0xa4

	uint64Head = 0x1b // a uint of 8 bytes follows
	uint64Size = 9
	tailBytes  = 1 + uint64Size // key 5 and a stamp of our time
)

var (
	pushHead     = []byte{mapOf2, wireKind, byte(KindPush), wireEntries}
	lastPageHead = []byte{mapOf3, wireKind, byte(KindPage), wireEntries}
	pageHead     = []byte{mapOf4, wireKind, byte(KindPage), wireCursor, uint64Head}
)

// quickEncode encodes a page or a push whose entries are encoded already.
func (m Message) quickEncode() ([]byte, bool) {
	if m.encoded == nil || len(m.encoded) > MessageBytesMax-64 {
		return nil, false
	}
	b := make([]byte, 0, len(m.encoded)+64)
	switch {
	case m.kind == KindPush:
		return append(append(b, pushHead...), m.encoded...), true
	case m.kind != KindPage || m.incarnation>>32 == 0:
		return nil, false
	case !m.more:
		b = append(b, lastPageHead...)
	case uint64(m.cursor)>>32 != 0:
		b = binary.BigEndian.AppendUint64(append(b, pageHead...), uint64(m.cursor))
		b = append(b, wireEntries)
	default:
		return nil, false
	}
	b = append(append(b, m.encoded...), wireIncarnation, uint64Head)
	return binary.BigEndian.AppendUint64(b, uint64(m.incarnation)), true
}

// quickDecode decodes a page or a push.
func quickDecode(b []byte) (m Message, ok bool) {
	if rest, is := bytes.CutPrefix(b, pushHead); is {
		m.kind = KindPush
		return m.withEntries(rest)
	}
	rest, last := bytes.CutPrefix(b, lastPageHead)
	if !last {
		var is bool
		if rest, is = bytes.CutPrefix(b, pageHead); !is || len(rest) < uint64Size || rest[8] != wireEntries {
			return Message{}, false
		}
		m.cursor, rest = crdt.Cursor(binary.BigEndian.Uint64(rest)), rest[uint64Size:]
		if uint64(m.cursor)>>32 == 0 {
			return Message{}, false
		}
	}
	at := len(rest) - tailBytes
	if at < 0 || rest[at] != wireIncarnation || rest[at+1] != uint64Head {
		return Message{}, false
	}
	m.kind, m.more = KindPage, !last
	m.incarnation = crdt.Stamp(binary.BigEndian.Uint64(rest[at+2:]))
	if m.incarnation>>32 == 0 {
		return Message{}, false
	}
	return m.withEntries(rest[:at])
}

func (m Message) withEntries(b []byte) (Message, bool) {
	var err error
	m.entries, err = crdt.DecodeEntries(b)
	return m, err == nil
}
