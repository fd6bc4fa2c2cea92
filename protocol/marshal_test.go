package protocol

import (
	"encoding/hex"
	"errors"
	"maps"
	"reflect"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"github.com/citynode/citynode/crdt"
)

// messages is one of each kind that is sent, with all that it can hold.
func messages() []any {
	entries := crdt.Entries{Heroes: []crdt.Hero{hero}, Tombstones: []crdt.Tombstone{tombstone}}
	return []any{
		&Request{Method: MethodGet, ID: testID(1), Body: []byte{0xa0}, City: "paris"},
		&Response{Code: Dead, Message: "gone", Body: []byte{0xa0}},
		&Response{Body: []byte{0xa0}, More: true},
		&GetRequest{Location: "paris", IDs: []crdt.ID{testID(1)}},
		&GetReply{Entries: &entries},
		&GetReply{Summary: &summary},
		&CreateRequest{Name: "Ada", Here: true},
		&HeroReply{Hero: hero, Summary: summary},
		&AssignRequest{Hero: hero.ID, Entries: &entries, Home: true},
		&RetireRequest{Hero: hero.ID},
		&RetireReply{Tombstone: tombstone, Summary: summary},
		&UpdateRequest{Entries: entries},
		&UpdateReply{Changed: 1, Summary: summary, Skipped: 2},
		&WatchRequest{Location: "paris"},
		&InfoReply{Network: "main", City: "paris", Since: 1, Incarnation: 2, Summary: summary, Restarts: 3, Software: "test/1", Now: 1 << 63, Problems: []Problem{ProblemStore}},
		&LookupRequest{City: "paris"},
		&LookupReply{Peer: []byte("peer"), Addrs: [][]byte{{1}, {2}}},
		testPresence(),
		&CitiesReply{Cities: []CityLine{{Presence: *testPresence(), Peer: []byte("peer"), Status: StatusLeft, Agreed: 5}}},
		&ProblemsReply{Problems: problemLines},
		&ForgetRequest{City: "rome"}, &ForgetRequest{Peer: []byte("peer")}, &ForgetReply{Peers: [][]byte{{1}}},
		&ExportReply{Cut: &exportCut}, &ExportReply{Entries: &entries}, &ExportReply{Count: new(uint64)},
		&Question{Number: 1}, &Sign{Sent: 5}, &Sign{Sent: 5, About: []byte("peer")},
		&settleLines[0], &settleLines[1], &settleLines[2],
	}
}

func testPresence() *Presence {
	return &Presence{City: "paris", Since: 1, Incarnation: 2, Summary: summary, Software: "test/1", Sent: 3, Leaving: true, Problems: []Problem{ProblemFull, "of_a_later_program_2"}}
}

func TestMessagesAreDecodedAsTheyWereEncoded(t *testing.T) {
	for _, m := range messages() {
		b := encode(t, m)
		for name, decode := range map[string]func([]byte, any) error{"strict": UnmarshalStrict, "lenient": UnmarshalLenient} {
			got := reflect.New(reflect.TypeOf(m).Elem()).Interface()
			if err := decode(b, got); err != nil || !reflect.DeepEqual(got, m) {
				t.Errorf("%s: %T %x: got %+v, %v; want %+v", name, m, b, got, err, m)
			}
		}
	}
}

func TestUnknownKeysAreRefusedOrIgnored(t *testing.T) {
	for _, m := range messages() {
		b := encode(t, m)
		b = append(append([]byte{b[0] + 1}, b[1:]...), 0x18, 60, 0xf6)
		got := reflect.New(reflect.TypeOf(m).Elem()).Interface()
		if err := UnmarshalStrict(b, got); err == nil {
			t.Errorf("%T: strict: an unknown key was let pass", m)
		}
		got = reflect.New(reflect.TypeOf(m).Elem()).Interface()
		if err := UnmarshalLenient(b, got); err != nil || !reflect.DeepEqual(got, m) {
			t.Errorf("%T: lenient: got %+v, %v; want %+v", m, got, err, m)
		}
	}
}

func TestMissingKeysAndNullsAreRefused(t *testing.T) {
	for _, m := range messages() {
		for _, f := range must(schemaOf(reflect.TypeOf(m).Elem())).fields {
			got := reflect.New(reflect.TypeOf(m).Elem()).Interface()
			if err := UnmarshalLenient([]byte{0xa1, byte(f.key), 0xf6}, got); err == nil {
				t.Errorf("%T: key %d: null was let pass", m, f.key)
			}
			if f.optional {
				continue
			}
			if err := UnmarshalLenient([]byte{0xa0}, got); err == nil {
				t.Errorf("%T: key %d was not missed", m, f.key)
			}
		}
	}
}

func TestWrongTypesAreRefused(t *testing.T) {
	values := map[string]string{
		"uint": "00", "negative": "20", "bytes": "40", "text": "6178", "array": "8100", "map": "a10000", "bool": "f5", "null": "f6",
	}
	fits := map[reflect.Kind]string{
		reflect.Uint64: "uint", reflect.String: "text", reflect.Bool: "bool",
	}
	for _, m := range messages() {
		typ := reflect.TypeOf(m).Elem()
		var whole map[uint64]cbor.RawMessage
		if err := cbor.Unmarshal(encode(t, m), &whole); err != nil {
			t.Fatal(err)
		}
		for _, f := range must(schemaOf(typ)).fields {
			of := f.typ.Kind()
			if of == reflect.Pointer {
				of = f.typ.Elem().Kind()
			}
			for kind, value := range values {
				if f.typ == reflect.TypeFor[RawItem]() && kind != "null" || fits[of] == kind ||
					f.typ == reflect.TypeFor[[]byte]() && kind == "bytes" {
					continue
				}
				spoilt := maps.Clone(whole)
				spoilt[f.key] = unhex(t, value)
				if err := UnmarshalLenient(must(encMode.Marshal(spoilt)), reflect.New(typ).Interface()); err == nil {
					t.Errorf("%v: key %d: %s was let pass", typ, f.key, kind)
				}
			}
		}
	}
}

func TestWhatIsSentIsCanonical(t *testing.T) {
	for _, c := range []struct {
		message any
		hex     string
	}{
		{Request{Method: "info", ID: crdt.ID{15: 1}}, "a20164696e666f025000000000000000000000000000000001"},
		{Response{}, "a10100"},
		{Response{Code: Busy, Message: "later"}, "a2010502656c61746572"},
		{GetRequest{}, "a0"},
		{GetRequest{IDs: []crdt.ID{}}, "a10280"},
		{LookupReply{}, "a201400280"},
		{settleLines[0], "a40164726f6d65020004427031" + "0500"},
		{settleLines[2], "a30164626f6e6e036974696d6564206f757404427033"},
		{CitiesReply{}, "a10180"},
	} {
		if got := hex.EncodeToString(encode(t, c.message)); got != c.hex {
			t.Errorf("%+v: got %s, want %s", c.message, got, c.hex)
		}
	}
}

func TestGetOfNoIDsIsNotGetOfAll(t *testing.T) {
	var all, none GetRequest
	if err := errors.Join(UnmarshalStrict([]byte{0xa0}, &all), UnmarshalStrict([]byte{0xa1, 0x02, 0x80}, &none)); err != nil {
		t.Fatal(err)
	}
	if all.IDs != nil || none.IDs == nil || len(none.IDs) != 0 {
		t.Errorf("all: %v, none: %v", all.IDs, none.IDs)
	}
}

func TestMalformedEntriesAreKnownAsSuch(t *testing.T) {
	bad := hero
	bad.Health = 101
	b := encode(t, UpdateRequest{Entries: crdt.Entries{Heroes: []crdt.Hero{bad}}})
	call := &Call{Request: Request{Method: MethodUpdate, Body: b}}
	err := call.Decode(new(UpdateRequest))
	if !errors.Is(err, crdt.ErrMalformed) || !errors.Is(err, ErrBadRequest) || !strings.Contains(err.Error(), "health") {
		t.Error(err)
	}
}

func TestArraysAreBoundedBeforeTheyGrow(t *testing.T) {
	b := append([]byte{0xa1, 0x02, 0x9a, 0x00, 0x03, 0x00, 0x00}, make([]byte, 3<<16)...)
	if err := UnmarshalStrict(b, new(GetRequest)); err == nil || !strings.Contains(err.Error(), "at most") {
		t.Error(err)
	}
	if n := testing.AllocsPerRun(10, func() { _ = UnmarshalStrict(b, new(GetRequest)) }); n > 20 {
		t.Errorf("%v allocations", n)
	}
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
