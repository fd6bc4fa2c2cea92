package protocol

import (
	"errors"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"pgregory.net/rapid"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/crdt/crdttest"
)

// The general library, which knows nothing of forms: what it writes and reads,
// byte for byte, is what the codec must.
var (
	encMode = must(generalEncOptions().EncMode())
	decMode = must(cbor.DecOptions{
		DupMapKey: cbor.DupMapKeyEnforcedAPF, IndefLength: cbor.IndefLengthForbidden, TagsMd: cbor.TagsForbidden,
		UTF8: cbor.UTF8RejectInvalid,
	}.DecMode())
)

func generalEncOptions() cbor.EncOptions {
	o := cbor.CoreDetEncOptions()
	o.NilContainers = cbor.NilContainerAsEmpty // null is no value of ours
	o.IndefLength = cbor.IndefLengthForbidden
	o.TagsMd = cbor.TagsForbidden
	return o
}

// libraryRequest and libraryResponse are the envelopes for the library, which has
// a type of its own for an item that is passed on.
type (
	libraryRequest struct {
		Method string          `cbor:"1,keyasint"`
		ID     crdt.ID         `cbor:"2,keyasint"`
		Body   cbor.RawMessage `cbor:"3,keyasint,omitempty"`
		City   string          `cbor:"4,keyasint,omitempty"`
	}
	libraryResponse struct {
		Code    Code            `cbor:"1,keyasint"`
		Message string          `cbor:"2,keyasint,omitempty"`
		Body    cbor.RawMessage `cbor:"3,keyasint,omitempty"`
		More    bool            `cbor:"4,keyasint,omitempty"`
	}
)

// encodeGenerally is what the library writes for the message at m.
func encodeGenerally(m any) ([]byte, error) {
	switch r := m.(type) {
	case *Request:
		m = &libraryRequest{r.Method, r.ID, cbor.RawMessage(r.Body), r.City}
	case *Response:
		m = &libraryResponse{r.Code, r.Message, cbor.RawMessage(r.Body), r.More}
	}
	return encMode.Marshal(m)
}

// MarshalCBOR has the general library write a line as its tags say.
func (l SettleLine) MarshalCBOR() ([]byte, error) {
	if l.Error != "" {
		return encMode.Marshal(struct {
			City  string `cbor:"1,keyasint"`
			Error string `cbor:"3,keyasint"`
			Peer  []byte `cbor:"4,keyasint"`
		}{l.City, l.Error, l.Peer})
	}
	return encMode.Marshal(struct {
		City     string `cbor:"1,keyasint"`
		Differed uint64 `cbor:"2,keyasint"`
		Peer     []byte `cbor:"4,keyasint"`
		Skipped  uint64 `cbor:"5,keyasint"`
	}{l.City, l.Differed, l.Peer, l.Skipped})
}

// decodeGenerally is decode by the general library, and by reflection where that
// would let pass what is no message: null, a missing key, another type.
func decodeGenerally(b []byte, v any, strict bool) error {
	if err := decMode.Unmarshal(b, new(any)); err != nil && !strings.Contains(err.Error(), "invalid map key") {
		return err // an array that is too long, wherever it is
	}
	into := v
	switch v.(type) {
	case *Request:
		into = new(libraryRequest)
	case *Response:
		into = new(libraryResponse)
	}
	if err := conform(b, reflect.TypeOf(into).Elem(), strict); err != nil {
		return err
	}
	if err := decMode.Unmarshal(b, into); err != nil {
		return err
	}
	switch r := into.(type) {
	case *libraryRequest:
		*v.(*Request) = Request{r.Method, r.ID, RawItem(r.Body), r.City}
	case *libraryResponse:
		*v.(*Response) = Response{r.Code, r.Message, RawItem(r.Body), r.More}
	}
	return nil
}

var (
	errGeneral      = errors.New("another type, null, or a key too many or too few")
	unmarshalerType = reflect.TypeFor[cbor.Unmarshaler]()
)

func conform(b []byte, t reflect.Type, strict bool) error {
	ok := true
	switch {
	case t.Kind() == reflect.Pointer:
		return conform(b, t.Elem(), strict)
	case t == reflect.TypeFor[crdt.ID]():
		var id []byte
		ok = b[0]>>5 == 2 && decMode.Unmarshal(b, &id) == nil && len(id) == 16
	case t == reflect.TypeFor[Instance]():
		return conformInstance(b, strict)
	case reflect.PointerTo(t).Implements(unmarshalerType):
		ok = b[0] != 0xf6
	case t.Kind() == reflect.Struct:
		return conformStruct(b, t, strict)
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8:
		ok = b[0]>>5 == 2
	case t.Kind() == reflect.Slice:
		return conformSlice(b, t.Elem(), strict)
	default:
		ok = map[reflect.Kind]byte{reflect.String: 3, reflect.Uint64: 0, reflect.Bool: 7}[t.Kind()] == b[0]>>5 && b[0] != 0xf6
	}
	if !ok {
		return errGeneral
	}
	return nil
}

func conformStruct(b []byte, t reflect.Type, strict bool) error {
	var pairs map[any]cbor.RawMessage
	if b[0]>>5 != 5 || decMode.Unmarshal(b, &pairs) != nil {
		return errGeneral
	}
	known := 0
	for i := range t.NumField() {
		name, options, _ := strings.Cut(t.Field(i).Tag.Get("cbor"), ",")
		key, _ := strconv.ParseUint(name, 10, 64)
		value, there := pairs[key]
		optional := strings.Contains(options, "omit")
		if !there && optional {
			continue
		}
		if !there || strict && optional && t.Field(i).Type.Kind() == reflect.String && value[0]>>5 == 3 && len(value) == 1 {
			return errGeneral
		}
		known++
		if err := conform(value, t.Field(i).Type, strict); err != nil {
			return err
		}
	}
	if strict && known != len(pairs) {
		return errGeneral
	}
	return nil
}

func conformInstance(b []byte, strict bool) error {
	var list []cbor.RawMessage
	if b[0]>>5 != 4 || decMode.Unmarshal(b, &list) != nil || len(list) != 2 {
		return errGeneral
	}
	return errors.Join(conform(list[0], reflect.TypeFor[crdt.Stamp](), strict), conform(list[1], reflect.TypeFor[crdt.ID](), strict))
}

func conformSlice(b []byte, elem reflect.Type, strict bool) error {
	var list []cbor.RawMessage
	if b[0]>>5 != 4 || decMode.Unmarshal(b, &list) != nil || len(list) > elementsMax {
		return errGeneral
	}
	for _, value := range list {
		if err := conform(value, elem, strict); err != nil {
			return err
		}
	}
	return nil
}

// expectTheSame checks that the codec and the library both refuse b as a message
// of m's type, or both decode it alike; and that the codec writes what it has
// read as the library does.
func expectTheSame(t tester, b []byte, m any) {
	t.Helper()
	if Check(b) != nil {
		return
	}
	for _, strict := range []bool{true, false} {
		got, want := newLike(m), newLike(m)
		err, wantErr := decode(b, got, strict), decodeGenerally(b, want, strict)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%T %x, strict %v: %v; the library: %v", m, b, strict, err, wantErr)
		}
		if err != nil {
			continue
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%T %x: decoded %+v, want %+v", m, b, got, want)
		}
		expectSameEncoding(t, got)
	}
}

// expectSameEncoding checks that the message at m is encoded as the library does
// it, by value, by pointer, and as an envelope with a body that has been encoded.
func expectSameEncoding(t tester, m any) {
	t.Helper()
	want, err := encodeGenerally(m)
	if err != nil {
		t.Fatalf("%+v: %v", m, err)
	}
	forms := []func() ([]byte, error){
		func() ([]byte, error) { return Marshal(m) },
		func() ([]byte, error) { return Marshal(reflect.ValueOf(m).Elem().Interface()) },
	}
	switch r := m.(type) {
	case *Request:
		forms = append(forms, func() ([]byte, error) { return encodeRequest(r, rawOrNil(r.Body)) })
	case *Response:
		forms = append(forms, func() ([]byte, error) { return encodeResponse(r, rawOrNil(r.Body)) })
	}
	for i, encode := range forms {
		if got, err := encode(); err != nil || string(got) != string(want) {
			t.Fatalf("%T %+v, way %d: %x, %v; the library: %x", m, m, i, got, err, want)
		}
	}
}

func rawOrNil(body RawItem) any {
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

// anyMessage draws a message of a kind that calls are made of all the time.
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
		p := &GetReply{Entries: entries()}
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

func TestMessagesAreCodedAsALibraryDoesIt(t *testing.T) {
	for _, m := range messages() {
		expectSameEncoding(t, m)
		expectTheSame(t, encode(t, m), m)
	}
	rapid.Check(t, func(t *rapid.T) {
		m := anyMessage(t)
		expectSameEncoding(t, m)
		b, err := encodeGenerally(m)
		if err != nil || Check(b) == nil && decode(b, newLike(m), true) != nil {
			t.Fatalf("%T %x is not decoded, %v", m, b, err)
		}
		expectTheSame(t, b, m)
	})
}

func TestSpoiltMessagesAreRefusedAsALibraryDoesIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := anyMessage(t)
		if rapid.Bool().Draw(t, "any other") {
			m = rapid.SampledFrom(messages()).Draw(t, "message")
		}
		b, err := encodeGenerally(m)
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
			expectTheSame(t, b, m)
		}
	})
}

func TestUnusualFormsAreJudgedAsALibraryDoesIt(t *testing.T) {
	id := strings.Repeat("00", 16)
	for name, c := range map[string]struct {
		into any
		hex  string
	}{
		"null for a body":             {new(Response), "a2010003f6"},
		"empty text for no city":      {new(Request), "a3016467657473" + "0250" + id + "0460"},
		"keys out of order":           {new(CreateRequest), "a202f5016178"},
		"unknown key":                 {new(RetireRequest), "a20150" + id + "0900"},
		"unknown text key":            {new(RetireRequest), "a20150" + id + "617800"},
		"missing key":                 {new(CreateRequest), "a0"},
		"more IDs than bytes":         {new(GetRequest), "a1029a0000400000"},
		"entries that are not strict": {new(UpdateRequest), "a101a1019800"},
		"a long way to say no IDs":    {new(GetRequest), "a1029800"},
		"a long way to say an ID":     {new(RetireRequest), "a1015810" + id},
	} {
		t.Run(name, func(t *testing.T) { expectTheSame(t, unhex(t, c.hex), c.into) })
	}
}

func TestArraysThatNobodyLooksIntoAreBoundedAsByALibrary(t *testing.T) {
	for _, n := range []int{skippedElementsMax, skippedElementsMax + 1} {
		array := append([]byte{0x9a, 0, byte(n >> 16), byte(n >> 8), byte(n)}, make([]byte, n)...)
		expectTheSame(t, append([]byte{0xa2, 0x01, 0x00, 0x03}, array...), new(Response)) // a body
		expectTheSame(t, append([]byte{0xa1, 0x09}, array...), new(WatchRequest))         // unknown
	}
}

func TestWhatHasNoFormIsRefused(t *testing.T) {
	var none *HeroReply
	for _, v := range []any{
		nil, none, 0.5,
		map[uint64]string{},
		struct {
			Float float64 `cbor:"1,keyasint"`
		}{},
		struct {
			Text *string `cbor:"1,keyasint"` // may be nil, and may not be left out
		}{},
		struct {
			Texts []*string `cbor:"1,keyasint"`
		}{},
		struct {
			Text string `cbor:"1,keyasint,omitempty" unless:"2"`
		}{},
	} {
		if b, err := Marshal(v); err == nil {
			t.Errorf("%T is encoded as %x", v, b)
		}
		if b, err := encodeResponse(&Response{}, v); err == nil && v != nil {
			t.Errorf("a response with %T is encoded as %x", v, b)
		}
	}
	for _, v := range []any{nil, none, GetRequest{}, new(float64)} {
		if err := UnmarshalStrict([]byte{0xa0}, v); err == nil {
			t.Errorf("an item is decoded into %T", v)
		}
	}
}
