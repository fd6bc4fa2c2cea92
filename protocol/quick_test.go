package protocol

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"pgregory.net/rapid"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/crdt/crdttest"
)

// expectQuickToAgree checks that the quick way accepts b for a message of m's
// type only if the general one does, with the same result, and leaves nothing
// behind where it gives up.
func expectQuickToAgree(t tester, b []byte, m any) {
	t.Helper()
	if Check(b) != nil {
		return
	}
	quickly, generally := newLike(m), newLike(m)
	accepted := quickUnmarshal(b, quickly)
	err := unmarshalAny(b, generally, true)
	if !accepted {
		if again := unmarshalAny(b, quickly, true); (again == nil) != (err == nil) {
			t.Fatalf("%T %x: general %v; after a quick try %v", m, b, err, again)
		}
	}
	if accepted && err != nil {
		t.Fatalf("%T %x was decoded as %+v, but: %v", m, b, quickly, err)
	}
	if err == nil && !reflect.DeepEqual(quickly, generally) {
		t.Fatalf("%T %x: quickly %+v, generally %+v", m, b, quickly, generally)
	}
	if accepted {
		expectSameEncoding(t, quickly)
	}
}

// expectSameEncoding checks that the message at m, if it is of a kind that is
// encoded by hand, is encoded as the library does it.
func expectSameEncoding(t tester, m any) {
	t.Helper()
	value := reflect.ValueOf(m).Elem().Interface()
	var byHand []byte
	switch m := m.(type) {
	case *Request:
		byHand, _ = appendRequest(nil, m, rawOrNil(m.Body))
	case *Response:
		byHand, _ = appendResponse(nil, m, rawOrNil(m.Body))
	default:
		var ok bool
		if byHand, ok = appendMessage(nil, value); ok != (bytesHint(value) > 0) {
			t.Fatalf("%T: is %v a kind that is encoded by hand?", value, ok)
		} else if !ok {
			return
		}
	}
	want, err := encMode.Marshal(value)
	if err != nil || string(byHand) != string(want) {
		t.Fatalf("%+v: by hand %x; by the library %x, %v", value, byHand, want, err)
	}
}

func rawOrNil(body cbor.RawMessage) any {
	if len(body) == 0 {
		return nil
	}
	return body
}

// tester is what tests, fuzz targets and properties fail by.
type tester interface {
	Helper()
	Fatalf(format string, args ...any)
}

func newLike(m any) any { return reflect.New(reflect.TypeOf(m).Elem()).Interface() }

// anyMessage draws a message of a kind that is decoded quickly, as it is sent.
func anyMessage(t *rapid.T) any {
	number := rapid.OneOf(rapid.Uint64(), rapid.Uint64Range(0, 300))
	flag := rapid.Bool()
	entries := func() *crdt.Entries {
		if !flag.Draw(t, "has entries") {
			return nil
		}
		e := crdttest.Entries().Draw(t, "entries")
		return &e
	}
	ids := crdttest.ID(8)
	total := crdt.Summary{Heroes: number.Draw(t, "heroes"), Tombstones: number.Draw(t, "tombstones"), Digest: summary.Digest}
	body := [][]byte{nil, {0xa0}, {0xa1, 0x01, 0x82, 0xf4, 0x61, 0x78}}[rapid.IntRange(0, 2).Draw(t, "body")]
	switch rapid.IntRange(0, 10).Draw(t, "kind") {
	case 0:
		return &Request{Method: rapid.String().Draw(t, "method"), ID: ids.Draw(t, "id"), Body: body, City: rapid.String().Draw(t, "city")}
	case 1:
		return &Response{
			Code: Code(number.Draw(t, "code")), Message: rapid.String().Draw(t, "message"), Body: body, More: flag.Draw(t, "more"),
		}
	case 2:
		r := &GetRequest{Location: rapid.String().Draw(t, "location")}
		if flag.Draw(t, "has ids") {
			r.IDs = rapid.SliceOf(ids).Draw(t, "ids")
		}
		return r
	case 3:
		p := &GetPage{Entries: entries()}
		if flag.Draw(t, "has summary") {
			p.Summary = &total
		}
		return p
	case 4:
		return &CreateRequest{Name: crdttest.Name().Draw(t, "name"), Here: flag.Draw(t, "here")}
	case 5:
		return &AssignRequest{Hero: ids.Draw(t, "hero"), Entries: entries(), Home: flag.Draw(t, "home")}
	case 6:
		return &RetireRequest{Hero: ids.Draw(t, "hero")}
	case 7:
		return &HeroReply{Hero: crdttest.Hero().Draw(t, "hero"), Summary: total}
	case 8:
		return &RetireReply{Tombstone: crdttest.Tombstone().Draw(t, "tombstone"), Summary: total}
	case 9:
		return &UpdateRequest{Entries: crdttest.Entries().Draw(t, "entries")}
	default:
		return &UpdateReply{Changed: number.Draw(t, "changed"), Summary: total, Skipped: number.Draw(t, "skipped")}
	}
}

func TestWhatIsSentIsEncodedByHandAndDecodedQuickly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := anyMessage(t)
		expectSameEncoding(t, m)
		b, err := encMode.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if !quickUnmarshal(b, newLike(m)) {
			t.Fatalf("%T %x was not decoded quickly", m, b)
		}
		expectQuickToAgree(t, b, m)
	})
}

func TestSpoiltMessagesAreAllTheSameByTheQuickWay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := anyMessage(t)
		b, err := encMode.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(1, 3).Draw(t, "spoilt") {
			at := rapid.IntRange(0, len(b)-1).Draw(t, "at")
			fresh := rapid.SampledFrom([]byte{0x00, 0x01, 0x02, 0x03, 0x04, 0x18, 0x20, 0x40, 0x60, 0x80, 0xa0, 0xc0, 0xf5, 0xf6, 0xf9, 0xff}).Draw(t, "byte")
			if rapid.Bool().Draw(t, "replace") {
				b[at] = fresh
			} else {
				b = slices.Insert(b, at, fresh)
			}
			expectQuickToAgree(t, b, m)
		}
	})
}

func TestUnusualFormsAreLeftToTheGeneralWay(t *testing.T) {
	for name, c := range map[string]struct {
		into any
		hex  string
	}{
		"null for a body":             {new(Response), "a2010003f6"},
		"empty text for no city":      {new(Request), "a3016467657473" + "0250" + strings.Repeat("00", 16) + "0460"},
		"keys out of order":           {new(CreateRequest), "a202f5016178"},
		"unknown key":                 {new(RetireRequest), "a20150" + strings.Repeat("00", 16) + "0900"},
		"missing key":                 {new(CreateRequest), "a0"},
		"more IDs than bytes":         {new(GetRequest), "a1029a0000400000"},
		"entries that are not strict": {new(UpdateRequest), "a101a1019800"},
	} {
		if b := unhex(t, c.hex); quickUnmarshal(b, c.into) {
			t.Errorf("%s: %x was decoded quickly", name, b)
		}
	}
}

func TestLongArraysInABodyAreLeftToTheGeneralWay(t *testing.T) {
	array := append([]byte{0x9a, 0x00, 0x03, 0x00, 0x00}, make([]byte, 3<<16)...)
	expectQuickToAgree(t, append([]byte{0xa2, 0x01, 0x00, 0x03}, array...), new(Response))
}

func TestHotMessagesCostFewAllocations(t *testing.T) {
	b := encode(t, HeroReply{Hero: hero, Summary: summary})
	var reply HeroReply
	decoding := testing.AllocsPerRun(100, func() { _ = UnmarshalLenient(b, &reply) })
	var message any = HeroReply{Hero: hero, Summary: summary}
	encoding := testing.AllocsPerRun(100, func() { _, _ = Marshal(message) })
	if decoding > 1 || encoding > 1 { // the texts; the result
		t.Errorf("%v allocations to decode, %v to encode", decoding, encoding)
	}
}
