package protocol

import (
	"encoding/binary"

	"github.com/citynode/citynode/crdt"
)

// envelopeBytesMax is the most bytes that a request or response takes besides
// its body and texts, and a body besides its texts, IDs and entries. The longest
// is a summary of 39.
const envelopeBytesMax = 64

// appendMessage appends what [Marshal] returns for v, if it is of a kind that
// calls are made of all the time: for these, what the library does by
// reflection takes longer than all else in a call. It reports false, and
// appends nothing, for all other kinds.
func appendMessage(dst []byte, v any) (_ []byte, ok bool) {
	switch v := v.(type) {
	case GetRequest:
		return appendGetRequest(dst, &v), true
	case GetPage:
		return appendGetPage(dst, &v), true
	case CreateRequest:
		dst = appendText(appendMap(dst, 1, v.Here), 1, v.Name)
		return appendTrue(dst, 2, v.Here), true
	case AssignRequest:
		return appendAssignRequest(dst, &v), true
	case RetireRequest:
		return appendID(append(appendMap(dst, 1), 1), &v.Hero), true
	case HeroReply:
		dst = crdt.AppendHero(append(appendMap(dst, 2), 1), v.Hero)
		return appendSummary(append(dst, 2), &v.Summary), true
	case RetireReply:
		dst = crdt.AppendTombstone(append(appendMap(dst, 2), 1), v.Tombstone)
		return appendSummary(append(dst, 2), &v.Summary), true
	case UpdateRequest:
		return crdt.AppendEntries(append(appendMap(dst, 1), 1), v.Entries), true
	case UpdateReply:
		dst = appendHead(append(appendMap(dst, 3), 1), majorUint, v.Changed)
		dst = appendSummary(append(dst, 2), &v.Summary)
		return appendHead(append(dst, 3), majorUint, v.Skipped), true
	default:
		return dst, false
	}
}

func appendGetRequest(dst []byte, r *GetRequest) []byte {
	dst = appendMap(dst, 0, r.Location != "", r.IDs != nil)
	if r.Location != "" {
		dst = appendText(dst, 1, r.Location)
	}
	if r.IDs != nil {
		dst = appendHead(append(dst, 2), majorArray, uint64(len(r.IDs)))
		for i := range r.IDs {
			dst = appendID(dst, &r.IDs[i])
		}
	}
	return dst
}

func appendGetPage(dst []byte, p *GetPage) []byte {
	dst = appendMap(dst, 0, p.Entries != nil, p.Summary != nil)
	if p.Entries != nil {
		dst = crdt.AppendEntries(append(dst, 1), *p.Entries)
	}
	if p.Summary != nil {
		dst = appendSummary(append(dst, 2), p.Summary)
	}
	return dst
}

func appendAssignRequest(dst []byte, r *AssignRequest) []byte {
	dst = appendMap(dst, 1, r.Entries != nil, r.Home)
	dst = appendID(append(dst, 1), &r.Hero)
	if r.Entries != nil {
		dst = crdt.AppendEntries(append(dst, 2), *r.Entries)
	}
	return appendTrue(dst, 3, r.Home)
}

// appendRequest appends a request with that body, or without one if it is nil;
// r.Body is not looked at.
func appendRequest(dst []byte, r *Request, body any) (_ []byte, err error) {
	dst = appendMap(dst, 2, body != nil, r.City != "")
	dst = appendText(dst, 1, r.Method)
	dst = appendID(append(dst, 2), &r.ID)
	if body != nil {
		dst, err = appendBody(append(dst, 3), body)
	}
	if r.City != "" {
		dst = appendText(dst, 4, r.City)
	}
	return dst, err
}

// appendResponse is appendRequest for a response.
func appendResponse(dst []byte, r *Response, body any) (_ []byte, err error) {
	dst = appendMap(dst, 1, r.Message != "", body != nil, r.More)
	dst = appendHead(append(dst, 1), majorUint, uint64(r.Code))
	if r.Message != "" {
		dst = appendText(dst, 2, r.Message)
	}
	if body != nil {
		dst, err = appendBody(append(dst, 3), body)
	}
	return appendTrue(dst, 4, r.More), err
}

// appendBody appends the encoding of a message of any kind.
func appendBody(dst []byte, body any) ([]byte, error) {
	if dst, ok := appendMessage(dst, body); ok {
		return dst, nil
	}
	b, err := Marshal(body)
	return append(dst, b...), err
}

func appendSummary(dst []byte, s *crdt.Summary) []byte {
	dst = appendHead(append(appendMap(dst, 3), 1), majorUint, s.Heroes)
	dst = appendHead(append(dst, 2), majorUint, s.Tombstones)
	dst = appendHead(append(dst, 3), majorBytes, uint64(len(s.Digest)))
	return append(dst, s.Digest[:]...)
}

func appendID(dst []byte, id *crdt.ID) []byte {
	return append(appendHead(dst, majorBytes, uint64(len(id))), id[:]...)
}

// appendText appends a key and a text under it.
func appendText(dst []byte, key byte, text string) []byte {
	return append(appendHead(append(dst, key), majorText, uint64(len(text))), text...)
}

// appendTrue appends a key and true under it, if it is true; false is left out.
func appendTrue(dst []byte, key byte, is bool) []byte {
	if is {
		dst = append(dst, key, majorSimple<<5|simpleTrue)
	}
	return dst
}

// appendMap appends the head of a map of so many keys and those that are there.
func appendMap(dst []byte, keys uint64, there ...bool) []byte {
	for _, is := range there {
		if is {
			keys++
		}
	}
	return appendHead(dst, majorMap, keys)
}

// appendHead appends an item's first byte and its argument in the shortest form
// (RFC 8949 §4.2.1).
func appendHead(dst []byte, major byte, arg uint64) []byte {
	major <<= 5
	switch {
	case arg < infoOneByte:
		return append(dst, major|byte(arg))
	case arg < 1<<8:
		return append(dst, major|infoOneByte, byte(arg))
	case arg < 1<<16:
		return binary.BigEndian.AppendUint16(append(dst, major|infoTwoBytes), uint16(arg))
	case arg < 1<<32:
		return binary.BigEndian.AppendUint32(append(dst, major|infoFourBytes), uint32(arg))
	default:
		return binary.BigEndian.AppendUint64(append(dst, major|infoEightBytes), arg)
	}
}

// bytesHint is about how many bytes v takes, so that appending it grows its
// buffer once; 0 if v is of no kind that appendMessage knows.
func bytesHint(v any) int {
	switch v := v.(type) {
	case GetRequest:
		return envelopeBytesMax + len(v.Location) + len(v.IDs)*(1+len(crdt.ID{}))
	case GetPage:
		return entriesHint(v.Entries) + envelopeBytesMax
	case CreateRequest:
		return envelopeBytesMax + len(v.Name)
	case AssignRequest:
		return entriesHint(v.Entries) + envelopeBytesMax
	case UpdateRequest:
		return entriesHint(&v.Entries)
	case HeroReply:
		return crdt.HeroBytesMax + envelopeBytesMax
	case RetireRequest, RetireReply, UpdateReply:
		return 2 * envelopeBytesMax
	default:
		return 0
	}
}

// entriesHint is bytesHint of entries. Room for one more hero has the last one
// appended as quickly as the others.
func entriesHint(e *crdt.Entries) int {
	if e == nil {
		return 0
	}
	size := crdt.EntriesOverheadMax + crdt.HeroBytesMax + len(e.Tombstones)*crdt.TombstoneBytesMax
	for i := range e.Heroes {
		size += crdt.HeroSize(e.Heroes[i])
	}
	return size
}
