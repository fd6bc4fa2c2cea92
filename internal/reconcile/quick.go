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

	uint64Head = 0x1b      // a uint of 8 bytes follows
	tailBytes  = 1 + 1 + 8 // key 5 and a stamp of our time
)

var (
	pushHead     = []byte{mapOf2, wireKind, byte(KindPush), wireEntries}
	lastPageHead = []byte{mapOf3, wireKind, byte(KindPage), wireEntries}
	pageHead     = []byte{mapOf4, wireKind, byte(KindPage), wireCursor}
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
	case m.more:
		b = append(appendUint(append(b, pageHead...), uint64(m.cursor)), wireEntries)
	default:
		b = append(b, lastPageHead...)
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
		if rest, ok = bytes.CutPrefix(b, pageHead); !ok {
			return Message{}, false
		}
		var cursor uint64
		if cursor, rest, ok = cutUint(rest); !ok || len(rest) == 0 || rest[0] != wireEntries {
			return Message{}, false
		}
		m.cursor, rest = crdt.Cursor(cursor), rest[1:]
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

// appendUint appends a uint in its shortest form.
func appendUint(dst []byte, v uint64) []byte {
	switch {
	case v < 24:
		return append(dst, byte(v))
	case v < 1<<8:
		return append(dst, 24, byte(v))
	case v < 1<<16:
		return binary.BigEndian.AppendUint16(append(dst, 25), uint16(v))
	case v < 1<<32:
		return binary.BigEndian.AppendUint32(append(dst, 26), uint32(v))
	}
	return binary.BigEndian.AppendUint64(append(dst, uint64Head), v)
}

// cutUint reads a uint in its shortest form, and gives what follows it.
func cutUint(b []byte) (v uint64, rest []byte, ok bool) {
	if len(b) == 0 || b[0] > uint64Head {
		return 0, nil, false
	}
	size := 0
	if b[0] >= 24 {
		size = 1 << (b[0] - 24)
	}
	if len(b) < 1+size {
		return 0, nil, false
	}
	v = uint64(b[0])
	if size > 0 {
		v = 0
		for _, c := range b[1 : 1+size] {
			v = v<<8 | uint64(c)
		}
	}
	rest = b[1+size:]
	return v, rest, len(appendUint(nil, v)) == 1+size
}
