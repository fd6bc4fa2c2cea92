package protocol

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/fxamacker/cbor/v2"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/cddl"
)

// TestAuthorVectors writes the vectors below to the file that VECTORS_OUT names,
// for a person to read and to put in place of the committed file. Without that
// it does nothing: the committed file is what counts, and TestVectors checks it.
func TestAuthorVectors(t *testing.T) {
	path := os.Getenv("VECTORS_OUT")
	if path == "" {
		t.Skip("VECTORS_OUT is not set")
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(authored(t)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(ascii(out.String())), 0o644); err != nil {
		t.Fatal(err)
	}
}

// ascii writes what is not ASCII as JSON's escapes, so that nothing in the file
// is invisible or turns the direction of text.
func ascii(s string) string {
	var b strings.Builder
	for _, unit := range utf16.Encode([]rune(s)) {
		if unit < 0x7f {
			b.WriteByte(byte(unit))
		} else {
			fmt.Fprintf(&b, "\\u%04x", unit)
		}
	}
	return b.String()
}

// CBOR by hand, so that wrong forms can be written too.

func cat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func cborHead(major byte, n uint64) []byte {
	b := must(cbor.Marshal(n))
	b[0] |= major << 5
	return b
}

// The major types (RFC 8949 §3.1).
const (
	majorUint  = 0
	majorBytes = 2
	majorText  = 3
	majorArray = 4
	majorMap   = 5
)

func num(n uint64) []byte  { return cborHead(majorUint, n) }
func bstr(b []byte) []byte { return cat(cborHead(majorBytes, uint64(len(b))), b) }
func tstr(s string) []byte { return cat(cborHead(majorText, uint64(len(s))), []byte(s)) }
func list(items ...[]byte) []byte {
	return cat(cborHead(majorArray, uint64(len(items))), cat(items...))
}

func pairs(items ...[]byte) []byte {
	return cat(cborHead(majorMap, uint64(len(items)/2)), cat(items...))
}

func raw(s string) []byte { return must(hex.DecodeString(strings.ReplaceAll(s, " ", ""))) }

func nested(depth int) []byte           { return cat(bytes.Repeat([]byte{0x81}, depth-1), []byte{0x80}) }
func heroBytes(h crdt.Hero) []byte      { return crdt.AppendHero(nil, h) }
func deadBytes(d crdt.Tombstone) []byte { return crdt.AppendTombstone(nil, d) }

var (
	yes, no, null = []byte{0xf5}, []byte{0xf4}, []byte{0xf6}

	vectorID = must(hex.DecodeString("0191d3a05c6e7b8a9c0d1e2f3a4b5c6d"))
	ada      = crdt.Hero{
		ID: crdt.ID(vectorID), Name: "Ada", Location: "paris", Health: 100, Patrolling: true,
		Version: crdt.Version{Assigned: 0x0191d3a05c6e0000, Replica: 0xfedcba9876543210, HLC: 0x0191d3a05c6f0002},
	}
	fresh = crdt.Hero{
		ID: crdt.ID(vectorID), Name: "Zoë of the 日本", Location: crdt.Home, Health: 1,
		Version: crdt.Version{Replica: 1, HLC: 0x0191d3a05c6e0000},
	}
	gone = crdt.Tombstone{ID: crdt.ID{15: 7}, Version: crdt.Version{Assigned: 23, Replica: 24, HLC: 65536}}
)

func authored(t *testing.T) (all []vector) {
	t.Helper()
	schema := readSchema(t)
	for _, part := range [][]vector{
		streamVectors(), requestVectors(), bodyVectors(), responseVectors(), replyVectors(), presenceVectors(),
		questionVectors(), signVectors(), deltaVectors(), heroVectors(), tombstoneVectors(), entriesVectors(), orderVectors(), nameVectors(),
	} {
		all = append(all, part...)
	}
	for i := range all {
		v := &all[i]
		b := must(hex.DecodeString(v.Hex))
		if v.Kind != "stream" && v.Kind != "peer" && v.Kind != "name" {
			if diag, err := cbor.Diagnose(b); err == nil {
				v.Diag = diag
			}
		}
		if rule := v.rule(); rule != "" && !v.Valid {
			v.Form = schema.Check(rule, b) == nil
		}
	}
	return all
}

// readSchema returns the schema of the wire.
func readSchema(t *testing.T) *cddl.Schema {
	t.Helper()
	text, err := os.ReadFile(schemaPath)
	if err != nil {
		t.Fatal(err)
	}
	schema, err := cddl.Parse(string(text), cddl.Anything)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// rule returns the rule of the CDDL that a vector is checked against, "" for none.
func (v vector) rule() string {
	switch v.Kind {
	case "stream", "versions", "merge", "peer", "name":
		return ""
	case "body":
		return v.Method + "-request"
	case "reply":
		return v.Method + "-reply"
	default:
		return v.Kind
	}
}

func good(kind, name, rule string, b []byte) vector {
	return vector{Kind: kind, Name: name, Rule: rule, Hex: hex.EncodeToString(b), Valid: true}
}

func bad(kind, name, rule string, b []byte) vector {
	v := good(kind, name, rule, b)
	v.Valid = false
	v.Consequence = consequences[kind]
	return v
}

// consequences are what follows from what is not valid, by the kind of vector. A
// stream that says nothing else is closed.
var consequences = map[string]string{
	"stream": "close", "request": "answer", "body": "answer", "response": "reset", "reply": "reset",
	"presence": "blame", "question": "reset", "sign": "blame", "delta": "blame", "hero": "refuse", "tombstone": "refuse", "entries": "refuse",
}

func (v vector) so(consequence string) vector {
	v.Consequence = consequence
	return v
}

func (v vector) answered(codes ...string) vector {
	v.Codes = codes
	return v
}

func (v vector) of(method string) vector {
	v.Method = method
	return v
}

func info() []byte { return pairs(num(1), tstr("info"), num(2), bstr(vectorID)) }

func streamVectors() []vector {
	call := framed(info())
	wrong := framed([]byte{0x80})
	ids := list(bstr(make([]byte, 16)), bstr(vectorID), bstr(vectorID), bstr(vectorID), bstr(vectorID), bstr(vectorID))
	const closes = "what cannot be parsed is answered, and nothing after it is read"
	return []vector{
		good("stream", "one call", "a frame is a length and one item", call).answered("ok"),
		good("stream", "two calls", "a stream carries any number of calls", cat(call, call)).answered("ok", "ok"),
		good("stream", "length of two bytes", "lengths are LEB128: seven bits a byte, the least first",
			framed(pairs(num(1), tstr("get"), num(2), bstr(vectorID), num(3), pairs(num(2), ids)))).answered("ok"),
		bad("stream", "wrong, then right", "a well-formed frame that is wrong leaves the stream usable", cat(wrong, call)).answered("bad_request", "ok").so("answer"),
		bad("stream", "nothing", "a stream without a call is not answered", nil).answered(),
		bad("stream", "cut in the length", "a frame cut by the end of the stream is not answered", raw("80")).answered(),
		bad("stream", "cut in the item", "a frame cut by the end of the stream is not answered", call[:len(call)-1]).answered(),
		bad("stream", "call, then a cut frame", "what came before the cut is answered", cat(call, call[:5])).answered("ok"),
		bad("stream", "length not minimal", closes, cat(raw("8100 80"), call)).answered("bad_request"),
		bad("stream", "length over 256 KiB", "262145 bytes are too many; "+closes, cat(raw("818010"), call)).answered("too_large"),
		bad("stream", "length of ten bytes", "a length has at most nine bytes; "+closes, cat(raw("ffffffffffffffffff01"), call)).answered("too_large"),
		bad("stream", "empty frame", "a frame has exactly one item; "+closes, cat(raw("00"), call)).answered("bad_request"),
		bad("stream", "two items in a frame", "a frame has exactly one item; "+closes, cat(raw("02 80 80"), call)).answered("bad_request"),
		bad("stream", "item cut", "an item ends with its frame; "+closes, cat(raw("02 82 80"), call)).answered("bad_request"),
		bad("stream", "length in an item over what is left", "an item ends with its frame; "+closes, cat(raw("09 5b7fffffffffffffff"), call)).answered("bad_request"),
		bad("stream", "reserved first byte", "RFC 8949 §3: additional information 28 to 30 is not well-formed; "+closes, cat(raw("01 1c"), call)).answered("bad_request"),
		bad("stream", "break alone", "RFC 8949 §3.2.1; "+closes, cat(raw("01 ff"), call)).answered("bad_request"),
		bad("stream", "simple value below 32 in two bytes", "RFC 8949 §3.3: not well-formed; "+closes, cat(raw("02 f818"), call)).answered("bad_request"),
		bad("stream", "tag without an item", "not well-formed; "+closes, cat(raw("01 c1"), call)).answered("bad_request"),
	}
}

// requestID returns the id of the request of a vector: each has its own, as each
// attempt of a real caller has.
func requestID(name string) []byte {
	sum := sha256.Sum256([]byte("citynode request " + name))
	return sum[:16]
}

// requestVectors can be sent to a new city called paris, one after another: what
// they order to be done has been made possible by those before. The last one bombs
// it.
func requestVectors() []vector {
	req := func(name, method string, more ...[]byte) []byte {
		return pairs(append([][]byte{num(1), tstr(method), num(2), bstr(requestID(name))}, more...)...)
	}
	ok := func(name, rule, method string, more ...[]byte) vector {
		return good("request", name, rule, req(name, method, more...)).answered("ok")
	}
	body := func(name, rule, method string, items ...[]byte) vector {
		return ok(name, rule, method, num(3), pairs(items...))
	}
	refused := func(name, rule string, b []byte) vector {
		return bad("request", name, rule, b).answered("bad_request")
	}
	wrong := func(name, rule, method string, more ...[]byte) vector {
		return refused(name, rule, req(name, method, more...))
	}
	// bare is a request for info whose bytes are made by hand, around its id.
	bare := func(name, rule string, make func(id []byte) []byte) vector {
		return refused(name, rule, make(requestID(name)))
	}
	infoOf := func(id []byte) []byte { return pairs(num(1), tstr("info"), num(2), bstr(id)) }
	entries := pairs(num(1), list(heroBytes(ada)), num(2), list(deadBytes(gone)))
	hero := bstr(vectorID)
	created := bstr(requestID("create"))
	vectors := []vector{
		body("get all", "every key of the body is optional", "get"),
		body("update", "form of update", "update", num(1), entries),
		body("update of nothing", "an empty entries map is allowed", "update", num(1), pairs()),
		body("get", "location and ids", "get", num(1), tstr("paris"), num(2), list(hero)),
		body("create", "here is false where absent", "create", num(1), tstr("Ada")),
		body("create here", "here", "create", num(1), tstr("Ada"), num(2), yes),
		body("assign", "entries are merged first", "assign", num(1), hero, num(2), entries),
		body("assign home", "home", "assign", num(1), hero, num(3), yes),
		body("retire", "form of retire; this hero was made by create", "retire", num(1), created),
		body("watch", "form of watch; it ends when the caller closes its side", "watch"),
		ok("info", "no body", "info"),
		body("lookup", "form of lookup; a city finds itself", "lookup", num(1), tstr("paris")),
		body("log", "form of log; without levels nothing is changed", "log"),
		body("log levels", "levels count in their order", "log", num(1), tstr("info,gossip=debug")),
		ok("cities", "no body", "cities"),
		ok("settle", "no body", "settle"),
		ok("problems", "no body", "problems"),
		ok("export", "no body; the caller is an admin", "export"),
		body("forget", "forget of a city; one that is not known is nothing to refuse", "forget", num(1), tstr("rome")),
		body("forget a peer", "forget of a peer", "forget", num(2), bstr(vectorPeer())),
		ok("named city", "key 4 names the city that is meant", "info", num(4), tstr("paris")),
		good("request", "keys in another order", "requests need not be in canonical form",
			pairs(num(2), bstr(requestID("keys in another order")), num(1), tstr("info"))).answered("ok"),
		good("request", "lengths and integers not minimal", "requests need not be in canonical form",
			cat(raw("b90002 1801 7a00000004"), []byte("info"), raw("1b0000000000000002 5810"), requestID("lengths and integers not minimal"))).answered("ok"),
		bad("request", "another city", "key 4 names another city than the one that answers, paris",
			req("another city", "info", num(4), tstr("rome"))).answered("wrong_city"),
		bad("request", "unknown method", "unsupported", req("unknown method", "got")).answered("unsupported"),
		bad("request", "another city, unknown method", "the city is judged before the method",
			req("another city, unknown method", "got", num(4), tstr("rome"))).answered("wrong_city"),
		bad("request", "unknown method, unknown key", "the form of the request is judged before the method",
			req("unknown method, unknown key", "got", num(5), num(0))).answered("bad_request"),
		bad("request", "another city, wrong body", "the city is judged before the body",
			req("another city, wrong body", "get", num(3), list(), num(4), tstr("rome"))).answered("wrong_city"),
		refused("not a map", "a request is a map", list()),
		bare("method missing", "key 1 is required", func(id []byte) []byte { return pairs(num(2), bstr(id)) }),
		refused("id missing", "key 2 is required", pairs(num(1), tstr("info"))),
		bare("id of 15 bytes", "an id has 16 bytes", func(id []byte) []byte { return infoOf(id[1:]) }),
		refused("id as text", "types are as in the CDDL", pairs(num(1), tstr("info"), num(2), tstr("0123456789abcdef"))),
		bare("method as bytes", "types are as in the CDDL", func(id []byte) []byte {
			return pairs(num(1), bstr([]byte("info")), num(2), bstr(id))
		}),
		bare("method null", "no message has a null", func(id []byte) []byte { return pairs(num(1), null, num(2), bstr(id)) }),
		bare("method empty", "a method has a name", func(id []byte) []byte { return pairs(num(1), tstr(""), num(2), bstr(id)) }),
		wrong("unknown key", "unknown keys make a request wrong", "info", num(5), num(0)),
		wrong("text for a key", "unknown keys make a request wrong", "info", tstr("5"), num(0)),
		wrong("repeated key", "no key is repeated", "info", num(2), bstr(requestID("repeated key"))),
		wrong("repeated key in another form", "no key is repeated, whatever its form", "info",
			raw("1802"), bstr(requestID("repeated key in another form"))),
		wrong("repeated key in the body", "no key is repeated at any level", "get", num(3), pairs(num(1), tstr("a"), num(1), tstr("a"))),
		bare("tag", "no tags", func(id []byte) []byte { return cat(raw("d9d9f7"), infoOf(id)) }),
		bare("tag within", "no tags", func(id []byte) []byte {
			return pairs(num(1), cat(raw("d820"), tstr("info")), num(2), bstr(id))
		}),
		wrong("float", "no floats", "get", num(3), raw("f90000")),
		wrong("undefined", "simple values are false, true and null", "get", num(3), raw("f7")),
		bare("indefinite map", "no indefinite lengths", func(id []byte) []byte { return cat(raw("bf"), infoOf(id)[1:], raw("ff")) }),
		bare("indefinite text", "no indefinite lengths", func(id []byte) []byte {
			return pairs(num(1), raw("7f 64696e666f ff"), num(2), bstr(id))
		}),
		bare("text not UTF-8", "text is UTF-8", func(id []byte) []byte { return pairs(num(1), raw("64 696e66ff"), num(2), bstr(id)) }),
		wrong("surrogate in text", "text is UTF-8, which has no surrogates", "info", num(4), raw("63 eda080")),
		wrong("nesting of 9", "at most 8 containers within each other, the frame's own counted", "get", num(3), nested(8)),
		wrong("nesting of 8 that is no body", "nesting of 8 is allowed, but this body is not get's", "get", num(3), nested(7)),
		wrong("body missing", "get has a body, if an empty one", "get"),
		wrong("body null", "no message has a null", "get", num(3), null),
		wrong("body of another type", "types are as in the CDDL", "get", num(3), list()),
		wrong("body where none is", "info has no body", "info", num(3), pairs()),
		wrong("city empty", "an optional text is left out rather than empty", "info", num(4), tstr("")),
		wrong("city of 64 bytes", "a label has at most 63 bytes", "info", num(4), tstr(strings.Repeat("a", 64))),
		ok("bomb", "no body; only an admin may", "bomb"),
	}
	return vectors
}

func bodyVectors() []vector {
	id := bstr(vectorID)
	b := func(method, name, rule string, items ...[]byte) vector {
		return good("body", name, rule, pairs(items...)).of(method)
	}
	x := func(method, name, rule string, items ...[]byte) vector {
		return bad("body", name, rule, pairs(items...)).of(method)
	}
	return []vector{
		b("get", "get: no ids", "an empty list asks for none", num(2), list()),
		x("get", "get: unknown key", "unknown keys make a request wrong", num(3), num(0)),
		x("get", "get: location empty", "an optional text is left out rather than empty", num(1), tstr("")),
		x("get", "get: location null", "no message has a null", num(1), null),
		x("get", "get: id of 17 bytes", "an id has 16 bytes", num(2), list(bstr(cat(vectorID, raw("00"))))),
		x("get", "get: ids not a list", "types are as in the CDDL", num(2), id),
		x("create", "create: name missing", "key 1 is required", num(2), yes),
		x("create", "create: name of 65 bytes", "a name has at most 64 bytes", num(1), tstr(strings.Repeat("a", 65))),
		x("create", "create: here as number", "types are as in the CDDL", num(1), tstr("Ada"), num(2), num(1)),
		x("assign", "assign: hero missing", "key 1 is required", num(3), yes),
		x("assign", "assign: malformed entries", "a malformed entry makes the call wrong", num(1), id, num(2), pairs(num(1), list(list()))),
		x("retire", "retire: id as list of numbers", "types are as in the CDDL", num(1), list(num(1))),
		x("update", "update: entries missing", "key 1 is required"),
		x("update", "update: entries not canonical", "entries are in canonical form, in requests too",
			num(1), cat(raw("a1 1802 80"))),
		b("watch", "watch: location", "form of watch", num(1), tstr("home")),
		x("watch", "watch: location of 64 bytes", "a label has at most 63 bytes", num(1), tstr(strings.Repeat("a", 64))),
		x("forget", "forget: nothing", "either key 1 or key 2 is there"),
		x("forget", "forget: both", "either key 1 or key 2 is there", num(1), tstr("rome"), num(2), bstr(vectorPeer())),
		x("forget", "forget: city empty", "an optional text is left out rather than empty", num(1), tstr("")),
		x("forget", "forget: peer of no bytes", "a peer ID has 1 to 70 bytes", num(2), bstr(nil)),
		x("forget", "forget: peer of 71 bytes", "a peer ID has 1 to 70 bytes", num(2), bstr(make([]byte, 71))),
		x("lookup", "lookup: city missing", "key 1 is required"),
		x("lookup", "lookup: city of 64 bytes", "a label has at most 63 bytes", num(1), tstr(strings.Repeat("a", 64))),
		x("log", "log: empty levels", "a text that is optional is left out rather than empty", num(1), tstr("")),
		x("log", "log: levels of 1,025 bytes", "levels have at most 1,024 bytes", num(1), tstr(strings.Repeat("info,", 205))),
		x("log", "log: levels as a list", "types are as in the CDDL", num(1), list(tstr("info"))),
	}
}

func responseVectors() []vector {
	return []vector{
		good("response", "ok without a body", "only the code is required", pairs(num(1), num(0))),
		good("response", "ok with a body", "a body may be any item", pairs(num(1), num(0), num(3), pairs(num(1), num(0)))),
		good("response", "page", "more = true: others follow", pairs(num(1), num(0), num(3), pairs(), num(4), yes)),
		good("response", "more is false", "false may be left out or not", pairs(num(1), num(0), num(4), no)),
		good("response", "error", "a message explains a code", pairs(num(1), num(3), num(2), tstr("hero is dead"))),
		good("response", "unknown code", "codes of later versions are errors", pairs(num(1), num(4711))),
		good("response", "unknown keys", "unknown keys are ignored, whatever is under them",
			pairs(num(1), num(0), num(99), null, raw("20"), list(yes), tstr("1"), pairs(num(1), num(1)))),
		bad("response", "no item", "a frame of length 0 has no item, and is not the end of a stream", nil),
		bad("response", "code missing", "key 1 is required", pairs()),
		bad("response", "code null", "no message has a null under a key that is known", pairs(num(1), null)),
		bad("response", "code negative", "types are as in the CDDL", pairs(num(1), raw("20"))),
		bad("response", "message as bytes", "types are as in the CDDL", pairs(num(1), num(1), num(2), bstr(nil))),
		bad("response", "error with more", "an error is the last response", pairs(num(1), num(1), num(4), yes)),
		bad("response", "repeated key under an unknown one", "no key is repeated at any level", pairs(num(1), num(0), num(99), pairs(num(1), num(1), num(1), num(1)))),
		bad("response", "float under an unknown key", "no floats", pairs(num(1), num(0), num(99), raw("f93c00"))),
		bad("response", "bytes for a key", "keys are text and integers", pairs(num(1), num(0), bstr([]byte{1}), num(0))),
		bad("response", "key over 63 bits", "integer keys are from -2^63 to 2^63-1", pairs(num(1), num(0), num(1<<63), num(0))),
	}
}

func summaryBytes() []byte {
	return must(crdt.Summary{Heroes: 2, Tombstones: 1, Digest: crdt.Digest{0: 1, 15: 255}}.MarshalCBOR())
}

// infoItems are what an info has, with optional keys in the place of theirs.
func infoItems(optional ...[]byte) [][]byte {
	items := append([][]byte{
		num(1), tstr("main"), num(2), tstr("paris"), num(3), num(1 << 60), num(4), num(1<<60 + 1),
		num(5), summaryBytes(), num(6), num(0), num(7), tstr("citynode/1.0.0"), num(8), num(1<<60 + 2),
	}, optional...)
	return append(items, num(12), list(num(1<<60), bstr(requestID("instance"))))
}

func replyVectors() []vector {
	g := func(method, name, rule string, items ...[]byte) vector {
		return good("reply", name, rule, pairs(items...)).of(method)
	}
	x := func(method, name, rule string, items ...[]byte) vector {
		return bad("reply", name, rule, pairs(items...)).of(method)
	}
	sum, peer := summaryBytes(), bstr(vectorPeer())
	multiaddr := bstr(raw("04 7f000001 06 1324"))
	line := func(more ...[]byte) []byte {
		return pairs(append([][]byte{num(1), presenceBytes(), num(2), peer, num(3), tstr("alive")}, more...)...)
	}
	return []vector{
		g("get", "get: page", "more = true", num(1), pairs(num(1), list(heroBytes(ada)))),
		g("get", "get: end", "the last response", num(2), sum),
		x("get", "get: neither", "a page has entries, the end has a summary"),
		x("get", "get: entries out of order", "entries are in canonical form",
			num(1), cat(raw("a2 02"), list(deadBytes(gone)), raw("01"), list(heroBytes(ada)))),
		x("get", "get: digest of 15 bytes", "a digest has 16 bytes", num(2), pairs(num(1), num(0), num(2), num(0), num(3), bstr(make([]byte, 15)))),
		g("create", "create and assign", "form of create's and assign's reply", num(1), heroBytes(ada), num(2), sum),
		x("create", "create: summary missing", "key 2 is required", num(1), heroBytes(ada)),
		g("assign", "assign", "form of create's and assign's reply", num(1), heroBytes(ada), num(2), sum),
		g("watch", "watch: live", "the first of many, with more", num(2), sum),
		g("watch", "watch: change", "with more", num(1), pairs(num(2), list(deadBytes(gone)))),
		x("watch", "watch: neither", "a change has entries"),
		g("retire", "retire", "form of retire's reply", num(1), deadBytes(gone), num(2), sum),
		x("retire", "retire: summary missing", "key 2 is required", num(1), deadBytes(gone)),
		g("update", "update", "form of update's reply", num(1), num(3), num(2), sum, num(3), num(0)),
		g("update", "update: full", "how many of those that were skipped were so for want of room", num(1), num(3), num(2), sum, num(3), num(9), num(4), num(7)),
		x("update", "update: full as text", "a key that is known is no unknown one", num(1), num(3), num(2), sum, num(3), num(9), num(4), tstr("7")),
		x("update", "update: skipped missing", "zero is written, not left out", num(1), num(3), num(2), sum),
		g("info", "info", "form of info's reply", infoItems()...),
		g("info", "info: all keys", "joining, store and skipped are there where they say something", infoItems(
			num(9), pairs(num(1), tstr("rome"), num(2), num(10), num(3), num(100)), num(10), tstr("ok"), num(11), num(3))...),
		g("info", "info: unknown key", "unknown keys are ignored", append(infoItems(), num(50), list(num(1), null))...),
		x("info", "info: store as bytes", "a key that is known is no unknown one", infoItems(num(10), bstr([]byte("ok")))...),
		x("info", "info: skipped as text", "a key that is known is no unknown one", infoItems(num(11), tstr("3"))...),
		x("info", "info: joining without of", "key 3 is required", infoItems(num(9), pairs(num(1), tstr("rome"), num(2), num(10)))...),
		x("info", "info: no instance", "key 12 is required", infoItems()[:16]...),
		x("info", "info: instance of one", "an instance is an array of two", append(infoItems()[:16], num(12), list(num(1)))...),
		x("info", "info: instance of three", "an instance is an array of two",
			append(infoItems()[:16], num(12), list(num(1), bstr(requestID("instance")), num(0)))...),
		x("info", "info: instance of 15 bytes", "an instance has 16 random bytes",
			append(infoItems()[:16], num(12), list(num(1), bstr(requestID("instance")[1:])))...),
		x("info", "info: instance as a map", "types are as in the CDDL",
			append(infoItems()[:16], num(12), pairs(num(1), bstr(requestID("instance"))))...),
		g("info", "info: problems", "codes of later programs are shown as they are", append(infoItems(),
			num(13), list(tstr("clock_doubt"), tstr("some_2")))...),
		x("info", "info: problem in capitals", "a problem is of lower-case letters, digits and underscores", append(infoItems(), num(13), list(tstr("Full")))...),
		x("info", "info: city home", "home is reserved", append(append(infoItems()[:2:2], num(2), tstr("home")), infoItems()[4:]...)...),
		g("lookup", "lookup", "the peer ID and addresses without /p2p", num(1), peer, num(2), list(multiaddr)),
		g("lookup", "lookup: no address", "none is known", num(1), peer, num(2), list()),
		x("lookup", "lookup: address as text", "types are as in the CDDL", num(1), peer, num(2), list(tstr("/ip4/127.0.0.1"))),
		x("lookup", "lookup: peer of no bytes", "a peer ID has 1 to 70 bytes", num(1), bstr(nil), num(2), list(multiaddr)),
		g("cities", "cities", "a page of one line", num(1), list(line(num(4), num(uint64(ada.Version.HLC))))),
		g("cities", "cities: agrees", "keys 4 to 7 are optional", num(1), list(line(num(5), num(uint64(ada.Version.HLC)), num(6), num(1500), num(7), yes))),
		g("cities", "cities: differs", "key 7 is absent where it is not known whether the city agrees, not false", num(1), list(line(num(7), no))),
		g("cities", "cities: relayed", "key 8 names who passed the presence on", num(1), list(pairs(
			num(1), presenceBytes(), num(2), peer, num(3), tstr("relayed"), num(8), peer))),
		x("cities", "cities: agrees as a number", "types are as in the CDDL", num(1), list(line(num(7), num(1)))),
		x("cities", "cities: agreed as text", "a key that is known is no unknown one", num(1), list(line(num(4), tstr("1")))),
		x("cities", "cities: round trip as text", "a key that is known is no unknown one", num(1), list(line(num(6), tstr("1500")))),
		g("log", "log", "levels and components", num(1), tstr("info,gossip=debug"), num(2), list(tstr("city"), tstr("gossip"))),
		x("log", "log: components missing", "key 2 is required", num(1), tstr("info")),
		g("cities", "cities: none", "an empty page", num(1), list()),
		x("cities", "cities: line without a status", "key 3 is required", num(1), list(pairs(num(1), presenceBytes(), num(2), peer))),
		g("settle", "settle: complete", "zeros are written", num(1), tstr("rome"), num(2), num(0), num(4), peer, num(5), num(0)),
		g("settle", "settle: not complete", "an error in place of counts", num(1), tstr("rome"), num(3), tstr("timed out"), num(4), peer),
		g("problems", "problems", "a page of one line", num(1), list(pairs(num(1), tstr("failed"), num(2), tstr("rome"), num(3), peer,
			num(4), num(uint64(ada.Version.HLC))))),
		g("problems", "problems: with a detail", "what is known beside the code", num(1), list(pairs(num(1), tstr("store_fault"), num(2), tstr("paris"),
			num(3), peer, num(4), num(0), num(5), tstr("no space left on device")))),
		g("problems", "problems: none", "all is well", num(1), list()),
		x("problems", "problems: since missing", "key 4 is required", num(1), list(pairs(num(1), tstr("failed"), num(2), tstr("rome"), num(3), peer))),
		x("problems", "problems: detail as bytes", "a key that is known is no unknown one", num(1), list(pairs(num(1), tstr("failed"), num(2), tstr("rome"),
			num(3), peer, num(4), num(0), num(5), bstr([]byte("gone"))))),
		x("problems", "problems: code empty", "a problem has 1 to 32 bytes", num(1), list(pairs(num(1), tstr(""), num(2), tstr("rome"), num(3), peer, num(4), num(0)))),
		g("export", "export: cut", "the first of many, with more", num(1), pairs(exportItems()...)),
		g("export", "export: unknown key", "unknown keys are ignored", num(1), pairs(append(exportItems(), num(40), no)...)),
		g("export", "export: entries", "with more", num(2), pairs(num(2), list(deadBytes(gone)))),
		g("export", "export: end", "the last: how many entries there were", num(3), num(1)),
		x("export", "export: nothing", "one of the three is there"),
		x("export", "export: count as text", "types are as in the CDDL", num(3), tstr("1")),
		x("export", "export: cut without a digest", "key 5 is required", num(1), pairs(exportItems()[:8]...)),
		x("export", "export: city home", "home is reserved", num(1), pairs(append(append(exportItems()[:2:2], num(2), tstr("home")), exportItems()[4:]...)...)),
		x("export", "export: network in capitals", "a network is a DNS label", num(1), pairs(append([][]byte{num(1), tstr("Main")}, exportItems()[2:]...)...)),
		x("export", "export: peer of no bytes", "a peer ID has 1 to 70 bytes", num(1), pairs(append(append(exportItems()[:4:4], num(3), bstr(nil)), exportItems()[6:]...)...)),
		g("forget", "forget", "those that were dropped", num(1), list(peer)),
		g("forget", "forget: nobody", "nothing was known", num(1), list()),
		x("forget", "forget: peers missing", "key 1 is required"),
		x("settle", "settle: peer missing", "key 4 is required", num(1), tstr("rome"), num(2), num(0), num(5), num(0)),
	}
}

// vectorPeer is the peer ID of an Ed25519 key of zeros: an identity multihash.
func vectorPeer() []byte { return cat(raw("0024 0801 1220"), make([]byte, 32)) }

func exportItems() [][]byte {
	return [][]byte{
		num(1), tstr("main"), num(2), tstr("paris"), num(3), bstr(vectorPeer()), num(4), num(1 << 60), num(5), summaryBytes(),
	}
}

func presenceItems() [][]byte {
	return [][]byte{
		num(1), tstr("paris"), num(2), num(1 << 60), num(3), num(1<<60 + 1), num(4), summaryBytes(),
		num(5), tstr("citynode/1.0.0"), num(6), num(1<<60 + 2),
	}
}

func presenceBytes() []byte { return pairs(presenceItems()...) }

func presenceVectors() []vector {
	with := func(at int, item []byte) []byte {
		items := presenceItems()
		items[at] = item
		return pairs(items...)
	}
	return []vector{
		good("presence", "presence", "leaving is false where absent", presenceBytes()),
		good("presence", "leaving", "the last presence of a city that leaves", pairs(append(presenceItems(), num(7), yes)...)),
		good("presence", "unknown key", "unknown keys are ignored", pairs(append(presenceItems(), num(40), null)...)),
		good("presence", "problems", "codes of later programs are shown as they are",
			pairs(append(presenceItems(), num(8), list(tstr("store_fault"), tstr("some_2")))...)),
		good("presence", "8 problems of 32 bytes", "at most 8 problems of at most 32 bytes",
			pairs(append(presenceItems(), num(8), list(slices.Repeat([][]byte{tstr(strings.Repeat("a", 32))}, 8)...))...)),
		bad("presence", "9 problems", "at most 8 problems",
			pairs(append(presenceItems(), num(8), list(slices.Repeat([][]byte{tstr("full")}, 9)...))...)),
		bad("presence", "problem of 33 bytes", "a problem has at most 32 bytes",
			pairs(append(presenceItems(), num(8), list(tstr(strings.Repeat("a", 33))))...)),
		bad("presence", "problem that begins with a digit", "a problem begins with a letter", pairs(append(presenceItems(), num(8), list(tstr("2x")))...)),
		bad("presence", "problems as text", "a key that is known is no unknown one", pairs(append(presenceItems(), num(8), tstr("full"))...)),
		good("presence", "software of 64 bytes", "at most 64 bytes", with(9, tstr(strings.Repeat("a", 64)))),
		bad("presence", "software of 65 bytes", "at most 64 bytes", with(9, tstr(strings.Repeat("a", 65)))),
		bad("presence", "control in software", "plain text", with(9, tstr("a\nb"))),
		bad("presence", "leaving as number", "a key that is known is no unknown one", pairs(append(presenceItems(), num(7), num(1))...)),
		bad("presence", "no item", "a presence is one item", nil),
		bad("presence", "city of capitals", "a city's name is a DNS label in lower case", with(1, tstr("Paris"))),
		bad("presence", "city home", "home is reserved", with(1, tstr("home"))),
		bad("presence", "incarnation 0", "a start has a stamp", with(5, num(0))),
		bad("presence", "sent missing", "key 6 is required", pairs(presenceItems()[:10]...)),
		bad("presence", "stamp over 64 bits", "no tags, so no big numbers", with(3, raw("c249010000000000000000"))),
	}
}

// deltaVectors are messages on the topic of changes. What they are judged by beside
// their bytes is how far into the future a stamp may be.
func deltaVectors() []vector {
	horizon := uint64(ada.Version.HLC)
	d := func(name, rule, consequence string, e crdt.Entries) vector {
		v := good("delta", name, rule, crdt.AppendEntries(nil, e)).so(consequence)
		v.Horizon = strconv.FormatUint(horizon, 10)
		return v
	}
	x := func(name, rule string, b []byte) vector {
		v := bad("delta", name, rule, b)
		v.Horizon = strconv.FormatUint(horizon, 10)
		return v
	}
	heroes := func(some ...crdt.Hero) []crdt.Hero { return some }
	deaths := []crdt.Tombstone{gone}
	future, futureToo := ada, ada
	future.ID[15]++
	futureToo.ID[15] += 2
	future.Version.HLC++
	futureToo.Version.HLC += 1 << 32
	const ignored = "a delta without an entry is ignored, and nobody is blamed for it"
	return []vector{
		d("a hero", "a stamp may be as late as the horizon", "accept", crdt.Entries{Heroes: heroes(ada)}),
		d("a death", "form of a delta", "accept", crdt.Entries{Tombstones: deaths}),
		d("a hero and a death", "form of a delta", "accept", crdt.Entries{Heroes: heroes(fresh), Tombstones: deaths}),
		d("future in part", "the rest of a delta is taken, and all of it is passed on", "accept", crdt.Entries{Heroes: heroes(future, ada)}),
		d("future but for a death", "a death is never in the future", "accept", crdt.Entries{Heroes: heroes(future), Tombstones: deaths}),
		d("all future", "a delta of future heroes alone is ignored", "ignore", crdt.Entries{Heroes: heroes(future, futureToo)}),
		d("nothing", ignored, "ignore", crdt.Entries{}),
		d("no heroes", ignored, "ignore", crdt.Entries{Heroes: heroes()}),
		d("no heroes and no deaths", ignored, "ignore", crdt.Entries{Heroes: []crdt.Hero{}, Tombstones: []crdt.Tombstone{}}),
		x("no bytes", "a delta is one item", nil),
		x("two items", "a delta is one item", raw("a0 a0")),
		x("an array", "a delta is a map", raw("80")),
		x("unknown key", "entries never change within a wire version", raw("a1 03 80")),
		x("not canonical", "canonical: the shortest form", raw("a1 1801 80")),
		x("malformed and future", "that a delta is of no use excuses no malformed entry",
			pairs(num(1), list(heroBytes(future), list()))),
	}
}

func heroVectors() []vector {
	h := func(name, rule string, h crdt.Hero) vector {
		v := good("hero", name, rule, heroBytes(h))
		f := h.Fingerprint()
		v.Fingerprint, v.Symbol = hex.EncodeToString(f[:]), strconv.FormatUint(f.Symbol(), 10)
		return v
	}
	x := func(name, rule string, spoil func(*crdt.Hero)) vector {
		spoilt := ada
		spoil(&spoilt)
		return bad("hero", name, rule, heroBytes(spoilt))
	}
	named := func(name string) crdt.Hero {
		h := ada
		h.Name = name
		return h
	}
	long, spaced := ada, ada
	long.Name, long.Location = strings.Repeat("é", 32), strings.Repeat("a", 63)
	long.Version = crdt.Version{Assigned: 1<<64 - 1, Replica: 1<<64 - 1, HLC: 1<<64 - 1}
	spaced.Name = " a  b "
	b := heroBytes(ada)
	vectors := []vector{
		h("hero", "form of a hero", ada),
		h("created at home", "assigned is 0 before the first order", fresh),
		h("longest", "64 bytes of name, 63 of location, largest integers", long),
		h("name with spaces", "spaces are allowed, if not alone", spaced),
		x("name empty", "a name has 1 to 64 bytes", func(h *crdt.Hero) { h.Name = "" }),
		x("name of 65 bytes", "a name has 1 to 64 bytes", func(h *crdt.Hero) { h.Name = strings.Repeat("é", 32) + "a" }),
		x("name of spaces", "a name is not only spaces", func(h *crdt.Hero) { h.Name = "  " }),
		x("name not UTF-8", "a name is UTF-8", func(h *crdt.Hero) { h.Name = "a\xff" }),
		x("surrogate in the name", "a name is UTF-8", func(h *crdt.Hero) { h.Name = "\xed\xa0\x80" }),
		h("name of a family", "pictographs joined by U+200D are allowed", named("\U0001F468\u200D\U0001F469\U0001F3FD\u200D\U0001F467")),
		h("name with a selector", "U+FE0F after a pictograph is allowed", named("\u2764\uFE0F\u200D\U0001F525")),
		h("name of a key", "U+FE0F between a digit and U+20E3 is allowed", named("1\uFE0F\u20E3")),
		h("name of a flag", "the tags of England after U+1F3F4 are allowed",
			named("\U0001F3F4\U000E0067\U000E0062\U000E0065\U000E006E\U000E0067\U000E007F")),
		h("name of an ideograph", "U+E0100 after an ideograph is allowed", named("\u845B\U000E0100")),
		x("joiner between letters", "U+200D joins pictographs only", func(h *crdt.Hero) { h.Name = "a\u200Db" }),
		x("joiner at the end", "U+200D joins two pictographs", func(h *crdt.Hero) { h.Name = "\U0001F468\u200D" }),
		x("selector after a letter", "U+FE0F follows a pictograph", func(h *crdt.Hero) { h.Name = "a\uFE0F" }),
		x("selector after a skin tone", "a pictograph has a skin tone or U+FE0F", func(h *crdt.Hero) { h.Name = "\U0001F468\U0001F3FD\uFE0F" }),
		x("key without a key", "U+FE0F after a digit is followed by U+20E3", func(h *crdt.Hero) { h.Name = "1\uFE0F" }),
		x("flag without a picture", "only three flags have tags", func(h *crdt.Hero) {
			h.Name = "\U0001F3F4\U000E0075\U000E0073\U000E0063\U000E0061\U000E007F"
		}),
		x("plain selector", "U+FE0E is refused", func(h *crdt.Hero) { h.Name = "\u2764\uFE0E" }),
		x("name that nobody sees", "U+3164 is refused", func(h *crdt.Hero) { h.Name = "\u3164" }),
		x("shape of a letter", "U+E0100 follows an ideograph", func(h *crdt.Hero) { h.Name = "a\U000E0100" }),
		x("location empty", "a location is a label", func(h *crdt.Hero) { h.Location = "" }),
		x("location of capitals", "a location is a label in lower case", func(h *crdt.Hero) { h.Location = "Paris" }),
		x("location ending in a hyphen", "a label starts and ends with a letter or digit", func(h *crdt.Hero) { h.Location = "a-" }),
		x("location of 64 bytes", "a label has at most 63 bytes", func(h *crdt.Hero) { h.Location = strings.Repeat("a", 64) }),
		x("health 0", "health is 1 to 100", func(h *crdt.Hero) { h.Health = 0 }),
		x("health 101", "health is 1 to 100", func(h *crdt.Hero) { h.Health = 101 }),
		x("patrolling at home", "nobody patrols at home", func(h *crdt.Hero) { h.Location = crdt.Home }),
		x("assigned after hlc", "assigned is at most hlc", func(h *crdt.Hero) { h.Version.HLC = h.Version.Assigned - 1 }),
		bad("hero", "seven fields", "a hero has eight", cat(raw("87"), b[1:len(b)-9])),
		bad("hero", "nine fields", "a hero has eight", cat(raw("89"), b[1:], raw("00"))),
		bad("hero", "id of 15 bytes", "an id has 16 bytes", cat(raw("88"), bstr(vectorID[1:]), b[18:])),
		bad("hero", "health not minimal", "canonical: the shortest form", cat(b[:28], raw("190064"), b[30:])),
		bad("hero", "indefinite array", "canonical: definite lengths", cat(raw("9f"), b[1:], raw("ff"))),
		bad("hero", "patrolling as number", "types are as in the CDDL", cat(b[:30], raw("01"), b[31:])),
		bad("hero", "a byte after", "exactly one item", cat(b, raw("00"))),
	}
	for _, c := range []rune{0x00, 0x1f, 0x7f, 0x9f, 0xad, 0x34f, 0x61c, 0x115f, 0x1160, 0x17b4, 0x17b5, 0x180b, 0x180f, 0x200b, 0x200f, 0x2028, 0x202e, 0x2060, 0x206f, 0x3164, 0xfe00, 0xfe0f, 0xfeff, 0xffa0, 0xfff0, 0xfffb, 0x1bca0, 0x1bca3, 0x1d173, 0x1d17a, 0xe0000, 0xe0fff} {
		vectors = append(vectors, x("U+"+strings.ToUpper(strconv.FormatInt(int64(c), 16))+" in the name", "a first or last code point of the frozen list",
			func(h *crdt.Hero) { h.Name = "a" + string(c) }))
	}
	for _, c := range []rune{0x20, 0x7e, 0xa0, 0xac, 0xae, 0x34e, 0x350, 0x61b, 0x115e, 0x1161, 0x17b3, 0x17b6, 0x180a, 0x1810, 0x200a, 0x2010, 0x2027, 0x202f, 0x205f, 0x2070, 0x3163, 0x3165, 0xfdff, 0xfe10, 0xfefe, 0xff9f, 0xffa1, 0xffef, 0xfffc, 0xfffd, 0x1bc9f, 0x1bca4, 0x1d172, 0x1d17b, 0xdffff, 0xe1000, 0x10ffff} {
		near := ada
		near.Name = "a" + string(c)
		vectors = append(vectors, h("U+"+strings.ToUpper(strconv.FormatInt(int64(c), 16))+" in the name", "a code point beside the frozen list", near))
	}
	return vectors
}

func tombstoneVectors() []vector {
	v := good("tombstone", "tombstone", "form of a tombstone", deadBytes(gone))
	f := gone.Fingerprint()
	v.Fingerprint, v.Symbol = hex.EncodeToString(f[:]), strconv.FormatUint(f.Symbol(), 10)
	late := gone
	late.Version.Assigned = late.Version.HLC + 1
	b := deadBytes(gone)
	return []vector{
		v,
		bad("tombstone", "assigned after hlc", "assigned is at most hlc", deadBytes(late)),
		bad("tombstone", "hlc not minimal", "canonical: the shortest form", cat(b[:len(b)-5], raw("1b0000000000010000"))),
		bad("tombstone", "hlc negative", "types are as in the CDDL", cat(b[:len(b)-5], raw("20"))),
		bad("tombstone", "three fields", "a tombstone has four", cat(raw("83"), b[1:len(b)-5])),
	}
}

func entriesVectors() []vector {
	e := func(name, rule string, e crdt.Entries) vector {
		v := good("entries", name, rule, crdt.AppendEntries(nil, e))
		s := crdt.NewState()
		s.Merge(e, crdt.NoHorizon)
		v.Digest = s.Summary().Digest.String()
		return v
	}
	other := ada
	other.ID[15]++
	ha, hb := list(heroBytes(ada)), list(deadBytes(gone))
	return []vector{
		e("nothing", "digest of nothing is zeros", crdt.Entries{}),
		e("empty lists", "an empty list is not an absent one", crdt.Entries{Heroes: []crdt.Hero{}, Tombstones: []crdt.Tombstone{}}),
		e("one hero", "digest of one entry: bytes 0 to 15 of its fingerprint", crdt.Entries{Heroes: []crdt.Hero{ada}}),
		e("one tombstone", "digest of one entry", crdt.Entries{Tombstones: []crdt.Tombstone{gone}}),
		e("three entries", "digest: sums modulo 2^64 in two lanes", crdt.Entries{Heroes: []crdt.Hero{ada, other}, Tombstones: []crdt.Tombstone{gone}}),
		e("two versions of a hero", "only what wins is in the digest", crdt.Entries{Heroes: []crdt.Hero{ada, fresh}}),
		bad("entries", "keys out of order", "canonical: keys ascend", cat(raw("a2 02"), hb, raw("01"), ha)),
		bad("entries", "repeated key", "canonical: keys ascend", cat(raw("a2 01"), ha, raw("01"), ha)),
		bad("entries", "unknown key", "entries never change within a wire version", pairs(num(1), ha, num(3), list())),
		bad("entries", "key not minimal", "canonical: the shortest form", cat(raw("a1 1801"), ha)),
		bad("entries", "indefinite list", "canonical: definite lengths", cat(raw("a1 01 9f"), ha[1:], raw("ff"))),
		bad("entries", "count over what is left", "lengths are checked first", raw("a1 01 9a ffffffff")),
		bad("entries", "tombstone among heroes", "types are as in the CDDL", pairs(num(1), hb)),
		bad("entries", "null for a list", "types are as in the CDDL", pairs(num(1), null)),
		bad("entries", "one bad of two", "a malformed entry makes the whole batch so", pairs(num(1), list(heroBytes(ada), list()))),
	}
}

func orderVectors() []vector {
	v := func(a, r, h uint64) []byte { return list(num(a), num(r), num(h)) }
	hurt, again, twin := ada, ada, ada
	hurt.Health, hurt.Version.HLC = 80, ada.Version.HLC+1
	again.Version = crdt.Version{Assigned: ada.Version.Assigned + 1, Replica: 1, HLC: ada.Version.Assigned + 1}
	twin.Name = "Adb"
	dead, deadLater := crdt.Tombstone{ID: ada.ID}, crdt.Tombstone{ID: ada.ID, Version: crdt.Version{HLC: 1}}
	return []vector{
		good("versions", "assigned, then replica, then hlc", "ascending: an order beats any creation, and the last order wins",
			list(v(0, 1, 5), v(0, 1, 6), v(0, 2, 5), v(1, 0, 1), v(1, 0, 2), v(1, 9, 1), v(2, 0, 2), v(2, 0, 1<<63), v(1<<63, 0, 1<<63))),
		good("merge", "later write", "the greater version wins", list(heroBytes(ada), heroBytes(hurt))),
		good("merge", "later order", "a patrol or fight under an older order loses, however late", list(heroBytes(hurt), heroBytes(again))),
		good("merge", "equal versions", "the greater encoding wins", list(heroBytes(ada), heroBytes(twin))),
		good("merge", "tombstone", "a tombstone beats every hero with its id", list(heroBytes(ada), deadBytes(dead))),
		good("merge", "two tombstones", "the greater version wins", list(deadBytes(dead), deadBytes(deadLater))),
	}
}

func nameVectors() (vectors []vector) {
	p := good("peer", "ed25519", "replica: SHA-256 of the peer ID's bytes, its first 8 as a big-endian integer", vectorPeer())
	p.Replica = strconv.FormatUint(uint64(crdt.ReplicaOf(vectorPeer())), 10)
	vectors = append(vectors, p)
	for _, n := range [][2]string{{"main", "paris"}, {"test-1", "a"}} {
		v := good("name", n[0]+", "+n[1], "CIDv1(raw, sha2-256) of citynode/1/NETWORK/NAME", cidOf(n[0], n[1]))
		v.Network, v.City, v.CID = n[0], n[1], cidText(cidOf(n[0], n[1]))
		vectors = append(vectors, v)
	}
	return vectors
}
