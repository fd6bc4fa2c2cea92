package protocol

import (
	"encoding/binary"
	"unicode/utf8"

	"github.com/citynode/citynode/crdt"
)

// quick is a cursor over an item that is as programs like ours send it. Where
// anything is unusual it fails, and who reads any item there may be finds out
// what: so it must accept no more than that, and may accept less. Its failure
// is sticky: after it nothing more is read.
//
// It takes known keys in ascending order, no null, and arrays that are not longer
// than a message's may be.
type quick struct {
	b      []byte
	at     int
	pairs  uint64 // of the map that is being read: still to come
	failed bool
}

// quickUnmarshal decodes b, which Check has accepted, into v, and reports
// whether it could; what it has set otherwise, who reads it after it sets again.
// Bodies of requests and responses share memory with b.
func quickUnmarshal(b []byte, v any) bool {
	q := quick{b: b}
	switch v := v.(type) {
	case *Request:
		q.request(v)
	case *Response:
		q.response(v)
	case *GetRequest:
		q.getRequest(v)
	case *GetPage:
		q.getPage(v)
	case *CreateRequest:
		q.createRequest(v)
	case *AssignRequest:
		q.assignRequest(v)
	case *RetireRequest:
		q.enter()
		q.must(1)
		q.id(&v.Hero)
	case *HeroReply:
		q.heroReply(v)
	case *RetireReply:
		q.retireReply(v)
	case *UpdateRequest:
		q.enter()
		q.must(1)
		q.entries(&v.Entries)
	case *UpdateReply:
		q.updateReply(v)
	default:
		return false
	}
	return q.whole()
}

func (q *quick) request(r *Request) {
	q.enter()
	q.must(1)
	r.Method = q.text()
	q.must(2)
	q.id(&r.ID)
	body := q.body()
	if q.has(4) {
		r.City = q.optionalText()
	}
	if body != nil && q.whole() { // or else the library might write over b
		r.Body = body
	}
}

func (q *quick) response(r *Response) {
	q.enter()
	q.must(1)
	r.Code = Code(q.uint())
	if q.has(2) {
		r.Message = q.optionalText()
	}
	body := q.body()
	if q.has(4) {
		r.More = q.bool()
	}
	if body != nil && q.whole() {
		r.Body = body
	}
}

// body reads what is under key 3, nil for nothing.
func (q *quick) body() []byte {
	if !q.has(3) {
		return nil
	}
	return q.item()
}

func (q *quick) getRequest(r *GetRequest) {
	q.enter()
	if q.has(1) {
		r.Location = q.optionalText()
	}
	if q.has(2) {
		r.IDs = q.ids()
	}
}

func (q *quick) getPage(p *GetPage) {
	q.enter()
	if q.has(1) {
		p.Entries = new(crdt.Entries)
		q.entries(p.Entries)
	}
	if q.has(2) {
		p.Summary = new(crdt.Summary)
		q.summary(p.Summary)
	}
}

func (q *quick) createRequest(r *CreateRequest) {
	q.enter()
	q.must(1)
	r.Name = q.text()
	if q.has(2) {
		r.Here = q.bool()
	}
}

func (q *quick) assignRequest(r *AssignRequest) {
	q.enter()
	q.must(1)
	q.id(&r.Hero)
	if q.has(2) {
		r.Entries = new(crdt.Entries)
		q.entries(r.Entries)
	}
	if q.has(3) {
		r.Home = q.bool()
	}
}

func (q *quick) heroReply(r *HeroReply) {
	q.enter()
	q.must(1)
	if item := q.item(); !q.failed {
		q.failed = r.Hero.UnmarshalCBOR(item) != nil
	}
	q.must(2)
	q.summary(&r.Summary)
}

func (q *quick) retireReply(r *RetireReply) {
	q.enter()
	q.must(1)
	if item := q.item(); !q.failed {
		q.failed = r.Tombstone.UnmarshalCBOR(item) != nil
	}
	q.must(2)
	q.summary(&r.Summary)
}

func (q *quick) updateReply(r *UpdateReply) {
	q.enter()
	q.must(1)
	r.Changed = q.uint()
	q.must(2)
	q.summary(&r.Summary)
	q.must(3)
	r.Skipped = q.uint()
}

func (q *quick) entries(e *crdt.Entries) {
	if item := q.item(); !q.failed {
		q.failed = e.UnmarshalCBOR(item) != nil
	}
}

// summary reads a map within the one that is being read.
func (q *quick) summary(s *crdt.Summary) {
	around := q.pairs
	q.enter()
	q.must(1)
	s.Heroes = q.uint()
	q.must(2)
	s.Tombstones = q.uint()
	q.must(3)
	copy(s.Digest[:], q.chunk(len(s.Digest)))
	if q.pairs != 0 {
		q.failed = true
	}
	q.pairs = around
}

// ids reads an array of IDs, whose size it knows before it allocates.
func (q *quick) ids() []crdt.ID {
	n := q.expect(majorArray)
	if n > elementsMax || n*uint64(1+len(crdt.ID{})) > uint64(len(q.b)-q.at) {
		q.failed = true
	}
	if q.failed {
		return nil
	}
	ids := make([]crdt.ID, n)
	for i := range ids {
		q.id(&ids[i])
	}
	return ids
}

func (q *quick) id(id *crdt.ID) { copy(id[:], q.chunk(len(id))) }

// chunk reads a byte string of n bytes, fewer than 24; nil after a failure.
func (q *quick) chunk(n int) []byte {
	if q.failed || len(q.b)-q.at <= n || q.b[q.at] != majorBytes<<5|byte(n) {
		q.failed = true
		return nil
	}
	q.at += 1 + n
	return q.b[q.at-n : q.at]
}

func (q *quick) text() string { return string(q.content(q.expect(majorText))) }

// optionalText is text for what must not be empty.
func (q *quick) optionalText() string {
	text := q.text()
	if text == "" {
		q.failed = true
	}
	return text
}

func (q *quick) uint() uint64 { return q.expect(majorUint) }

func (q *quick) bool() bool {
	switch major, arg := q.head(); {
	case major == majorSimple && arg == simpleTrue:
		return true
	case major != majorSimple || arg != simpleFalse:
		q.failed = true
	}
	return false
}

// item passes over one item and returns it. Where nothing is to follow it is the
// rest, since Check has found that to be one item; unless an array could be in it
// that is too long for the library.
func (q *quick) item() []byte {
	start := q.at
	left := len(q.b) - start
	if q.pairs > 0 || q.failed || left == 0 || left > elementsMax || q.b[start] == majorSimple<<5|simpleNull {
		q.skip(NestingMax)
	} else {
		q.at = len(q.b)
	}
	return q.b[start:q.at]
}

// enter begins a map.
func (q *quick) enter() { q.pairs = q.expect(majorMap) }

// must reads a key that has to come next.
func (q *quick) must(key byte) {
	if !q.has(key) {
		q.failed = true
	}
}

// has reads a key of one byte if it comes next.
func (q *quick) has(key byte) bool {
	if q.failed || q.pairs == 0 || q.at == len(q.b) || q.b[q.at] != key {
		return false
	}
	q.at++
	q.pairs--
	return true
}

// whole reports whether all has been read, and all was as it should be.
func (q *quick) whole() bool { return !q.failed && q.pairs == 0 && q.at == len(q.b) }

// skip passes over an item of at most depth containers within each other. Keys
// of its maps are small and ascending, so that none is repeated.
func (q *quick) skip(depth int) {
	switch major, arg := q.head(); major {
	case majorUint:
	case majorBytes:
		q.content(arg)
	case majorText:
		if !utf8.Valid(q.content(arg)) {
			q.failed = true
		}
	case majorArray:
		if arg > elementsMax {
			q.failed = true
		}
		for q.down(depth); arg > 0 && !q.failed; arg-- {
			q.skip(depth - 1)
		}
	case majorMap:
		last := -1
		for q.down(depth); arg > 0 && !q.failed; arg-- {
			last = q.smallKey(last)
			q.skip(depth - 1)
		}
	default:
		if major != majorSimple || arg != simpleFalse && arg != simpleTrue {
			q.failed = true
		}
	}
}

func (q *quick) down(depth int) {
	if depth == 0 {
		q.failed = true
	}
}

// smallKey reads a key of one byte that is greater than the last one.
func (q *quick) smallKey(last int) int {
	if q.at == len(q.b) || q.b[q.at] >= infoOneByte || int(q.b[q.at]) <= last {
		q.failed = true
		return last
	}
	q.at++
	return int(q.b[q.at-1])
}

// expect reads a head of that major type and returns its argument.
func (q *quick) expect(major uint8) uint64 {
	got, arg := q.head()
	if got != major {
		q.failed = true
	}
	if q.failed {
		return 0
	}
	return arg
}

// head reads a head of up to 9 bytes, 0 after a failure. One of a simple value
// is of one byte.
func (q *quick) head() (major uint8, arg uint64) {
	if q.failed || q.at == len(q.b) {
		q.failed = true
		return 0, 0
	}
	first := q.b[q.at]
	q.at++
	major, info := first>>5, first&31
	if info < infoOneByte {
		return major, uint64(info)
	}
	rest := q.b[q.at:]
	size := 1 << (info & 3)
	if info >= infoReserved || major == majorSimple || len(rest) < size {
		q.failed = true
		return 0, 0
	}
	q.at += size
	switch size {
	case 1:
		return major, uint64(rest[0])
	case 2:
		return major, uint64(binary.BigEndian.Uint16(rest))
	case 4:
		return major, uint64(binary.BigEndian.Uint32(rest))
	default:
		return major, binary.BigEndian.Uint64(rest)
	}
}

// content reads so many bytes.
func (q *quick) content(n uint64) []byte {
	if q.failed || n > uint64(len(q.b)-q.at) {
		q.failed = true
		return nil
	}
	q.at += int(n)
	return q.b[q.at-int(n) : q.at]
}
