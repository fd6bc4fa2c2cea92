package crdt_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/crdt/crdttest"
)

func TestDecodingUndoesEncoding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := crdttest.Entries().Draw(t, "entries")
		got, err := crdt.DecodeEntries(crdt.AppendEntries(nil, e))
		if err != nil || !reflect.DeepEqual(got, e) { // DeepEqual tells nil from empty
			t.Fatalf("got %+v, %v", got, err)
		}
		for _, h := range e.Heroes {
			if got, err := crdt.DecodeHero(crdt.AppendHero(nil, h)); err != nil || got != h {
				t.Fatalf("got %+v, %v", got, err)
			}
		}
		for _, d := range e.Tombstones {
			if got, err := crdt.DecodeTombstone(crdt.AppendTombstone(nil, d)); err != nil || got != d {
				t.Fatalf("got %+v, %v", got, err)
			}
		}
	})
}

func TestDecodedEntriesShareNoMemoryWithTheInput(t *testing.T) {
	want := batman()
	b := crdt.AppendHero(nil, want)
	got, err := crdt.DecodeHero(b)
	if err != nil {
		t.Fatal(err)
	}
	clear(b)
	if got != want {
		t.Fatalf("got %+v", got)
	}
}

func TestEveryCutIsRefused(t *testing.T) {
	e := crdt.Entries{Heroes: []crdt.Hero{batman()}, Tombstones: []crdt.Tombstone{{}}}
	whole := crdt.AppendEntries(nil, e)
	for n := range whole {
		if got, err := crdt.DecodeEntries(whole[:n]); !errors.Is(err, crdt.ErrMalformed) || got.Len() > 0 {
			t.Errorf("%d of %d bytes: %+v, %v", n, len(whole), got, err)
		}
	}
}

// A hero in parts, so that tests can exchange one of them. Each is hex.
type heroParts struct {
	head, id, name, location, health, patrolling, assigned, replica, hlc string
}

func goodParts() heroParts {
	return heroParts{
		"88", "50" + strings.Repeat("11", 16), "6161", "6162", "1864", "f4", "01", "02", "03",
	}
}

func (p heroParts) String() string {
	return p.head + p.id + p.name + p.location + p.health + p.patrolling + p.assigned + p.replica + p.hlc
}

func TestDecodeHeroRefuses(t *testing.T) {
	if _, err := crdt.DecodeHero(unhex(t, goodParts().String())); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		fault  string
		spoil  func(*heroParts)
		offset int
		want   string
	}{
		{"a map", func(p *heroParts) { p.head = "a8" }, 0, "got map, want array"},
		{"7 fields", func(p *heroParts) { p.head = "87" }, 0, "7 fields, want 8"},
		{"9 fields", func(p *heroParts) { p.head = "89"; p.hlc = "0304" }, 0, "9 fields, want 8"},
		{"a long array head", func(p *heroParts) { p.head = "9808" }, 0, "longer than minimal"},
		{"an indefinite array", func(p *heroParts) { p.head = "9f"; p.hlc = "03ff" }, 0, "indefinite"},
		{"a tag", func(p *heroParts) { p.head = "c188" }, 0, "got tag"},
		{"id of 15 bytes", func(p *heroParts) { p.id = "4f" + strings.Repeat("11", 15) }, 1, "15 bytes, want 16"},
		{"id of 17 bytes", func(p *heroParts) { p.id = "51" + strings.Repeat("11", 17) }, 1, "17 bytes, want"},
		{"id as text", func(p *heroParts) { p.id = "70" + strings.Repeat("61", 16) }, 1, "got text, want bytes"},
		{"id with a long length", func(p *heroParts) { p.id = "5810" + strings.Repeat("11", 16) }, 1, "longer than minimal"},
		{"id in pieces", func(p *heroParts) { p.id = "5f50" + strings.Repeat("11", 16) + "ff" }, 1, "indefinite"},
		{"name as bytes", func(p *heroParts) { p.name = "4161" }, 18, "got bytes, want text"},
		{"name empty", func(p *heroParts) { p.name = "60" }, 0, "name: empty"},
		{"name of spaces", func(p *heroParts) { p.name = "622020" }, 0, "only spaces"},
		{"name of 65 bytes", func(p *heroParts) { p.name = "7841" + strings.Repeat("61", 65) }, 18, "65 bytes, want 0 to 64"},
		{"name of 2^63 bytes", func(p *heroParts) { p.name = "7b8000000000000000" }, 18, "bytes, want 0 to 64"},
		{"name past the end", func(p *heroParts) { *p = heroParts{head: p.head, id: p.id, name: "623f"} }, 18, "2 bytes, only 1 left"},
		{"name not UTF-8", func(p *heroParts) { p.name = "61ff" }, 0, "not UTF-8"},
		{"name invisible", func(p *heroParts) { p.name = "63e2808b" }, 0, "U+200B"},
		{"location empty", func(p *heroParts) { p.location = "60" }, 0, "location: empty"},
		{"location in capitals", func(p *heroParts) { p.location = "6141" }, 0, "location: byte 'A'"},
		{"location of 64 bytes", func(p *heroParts) { p.location = "7840" + strings.Repeat("61", 64) }, 20, "64 bytes, want 0 to 63"},
		{"health 0", func(p *heroParts) { p.health = "00" }, 0, "health: 0"},
		{"health 101", func(p *heroParts) { p.health = "1865" }, 22, "health: 101"},
		{"health 256", func(p *heroParts) { p.health = "190100" }, 22, "health: 256"},
		{"health 257", func(p *heroParts) { p.health = "190101" }, 22, "health: 257"},
		{"health negative", func(p *heroParts) { p.health = "20" }, 22, "got negative, want uint"},
		{"health long", func(p *heroParts) { p.health = "1801" }, 22, "longer than minimal"},
		{"patrolling null", func(p *heroParts) { p.patrolling = "f6" }, 24, "not a boolean"},
		{"patrolling a number", func(p *heroParts) { p.patrolling = "01" }, 24, "got uint, want simple"},
		{"patrolling long", func(p *heroParts) { p.patrolling = "f815" }, 24, "longer than minimal"},
		{"patrolling simple 32", func(p *heroParts) { p.patrolling = "f820" }, 24, "not a boolean"},
		{"patrolling a float", func(p *heroParts) { p.patrolling = "f93c00" }, 24, "not a boolean"},
		{"patrolling at home", func(p *heroParts) { p.location, p.patrolling = "64686f6d65", "f5" }, 0, "patrolling: "},
		{"assigned long 8", func(p *heroParts) { p.assigned = "1817" }, 25, "longer than minimal"},
		{"assigned long 16", func(p *heroParts) { p.assigned = "1900ff" }, 25, "longer than minimal"},
		{"assigned long 32", func(p *heroParts) { p.assigned = "1a0000ffff" }, 25, "longer than minimal"},
		{"assigned long 64", func(p *heroParts) { p.assigned = "1b00000000ffffffff" }, 25, "longer than minimal"},
		{"assigned later than hlc", func(p *heroParts) { p.assigned = "04" }, 0, "assigned: stamp 4"},
		{"replica reserved head", func(p *heroParts) { p.replica = "1c" }, 26, "reserved"},
		{"replica a bignum", func(p *heroParts) { p.replica = "c24101" }, 26, "got tag"},
		{"hlc cut", func(p *heroParts) { p.hlc = "1b00" }, 27, "unexpected end"},
		{"hlc missing", func(p *heroParts) { p.hlc = "" }, 27, "unexpected end"},
		{"more after it", func(p *heroParts) { p.hlc = "0300" }, 28, "1 bytes after the end"},
	} {
		p := goodParts()
		tc.spoil(&p)
		h, err := crdt.DecodeHero(unhex(t, p.String()))
		wantDecodeError(t, tc.fault, err, tc.offset, tc.want)
		if h != (crdt.Hero{}) {
			t.Errorf("%s: got %+v beside the error", tc.fault, h)
		}
	}
}

func TestDecodeTombstoneRefuses(t *testing.T) {
	id := "50" + strings.Repeat("11", 16)
	if _, err := crdt.DecodeTombstone(unhex(t, "84"+id+"010203")); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		fault, hex string
		offset     int
		want       string
	}{
		{"nothing", "", 0, "unexpected end"},
		{"3 fields", "83" + id + "0102", 0, "3 fields, want 4"},
		{"a hero", goodParts().String(), 0, "8 fields, want 4"},
		{"assigned later than hlc", "84" + id + "040203", 0, "assigned: "},
		{"text for a number", "84" + id + "01026103", 20, "got text, want uint"},
		{"more after it", "84" + id + "010203f6", 21, "1 bytes after the end"},
	} {
		got, err := crdt.DecodeTombstone(unhex(t, tc.hex))
		wantDecodeError(t, tc.fault, err, tc.offset, tc.want)
		if got != (crdt.Tombstone{}) {
			t.Errorf("%s: got %+v beside the error", tc.fault, got)
		}
	}
}

func TestDecodeEntriesRefuses(t *testing.T) {
	hero := goodParts().String()
	dead := "84" + "50" + strings.Repeat("11", 16) + "010203"
	sick := goodParts()
	sick.health = "00"
	for _, tc := range []struct {
		fault, hex string
		offset     int
		want       string
	}{
		{"nothing", "", 0, "unexpected end"},
		{"an array", "80", 0, "got array, want map"},
		{"null", "f6", 0, "got simple, want map"},
		{"an indefinite map", "bfff", 0, "indefinite"},
		{"a long map head", "b800", 0, "longer than minimal"},
		{"three keys", "a3018002800380", 0, "3 keys, at most 2"},
		{"2^64-1 keys", "bbffffffffffffffff", 0, "keys, at most 2"},
		{"keys the wrong way round", "a202800180", 3, "out of order"},
		{"a repeated key", "a201800180", 3, "repeated"},
		{"an unknown key", "a10380", 1, "key 3 of entries is unknown"},
		{"key zero", "a10080", 1, "unknown"},
		{"a key as text", "a1613180", 1, "got text, want uint"},
		{"a key too long", "a1180180", 1, "longer than minimal"},
		{"heroes a map", "a101a0", 2, "heroes: got map, want array"},
		{"heroes null", "a101f6", 2, "got simple, want array"},
		{"more heroes claimed than fit", "a10183" + hero + hero, 2, "3 claimed, but only"},
		{"2^63 heroes claimed", "a1019b8000000000000000" + hero, 2, "claimed, but only"},
		{"fewer heroes than there are", "a10181" + hero + hero, 31, "28 bytes after the end"},
		{"more tombstones claimed than fit", "a10282" + dead, 2, "2 claimed, but only"},
		{"the second hero is sick", "a10182" + hero + sick.String(), 31, "hero 1: health: 0"},
		{"a tombstone among heroes", "a10182" + hero + dead + "000000000000", 31, "hero 1: hero: 4 fields"},
		{"a hero among tombstones", "a20180028181" + hero, 5, "tombstone 0: tombstone: 1 fields"},
		{"more after it", "a000", 1, "1 bytes after the end"},
		{"two items", "a0a0", 1, "after the end"},
	} {
		got, err := crdt.DecodeEntries(unhex(t, tc.hex))
		wantDecodeError(t, tc.fault, err, tc.offset, tc.want)
		if got.Heroes != nil || got.Tombstones != nil {
			t.Errorf("%s: got %+v beside the error", tc.fault, got)
		}
	}
}

func TestDecodeErrorSaysWhichRuleOfWhichEntry(t *testing.T) {
	h := batman()
	h.Name = "x\u200b"
	_, err := crdt.DecodeEntries(crdt.AppendEntries(nil, crdt.Entries{Heroes: []crdt.Hero{batman(), h}}))
	var place *crdt.DecodeError
	if !errors.As(err, &place) || place.Kind != crdt.KindHero || place.Entry != 1 {
		t.Fatalf("got %#v", err)
	}
	var rule *crdt.InvalidError
	if !errors.As(err, &rule) || rule.Field != "name" {
		t.Fatalf("got %#v", err)
	}
	want := "byte 49: hero 1: name: code point U+200B at position 1 is not allowed there"
	if err.Error() != want {
		t.Fatalf("got  %s\nwant %s", err, want)
	}
}

func wantDecodeError(t *testing.T, fault string, err error, offset int, want string) {
	t.Helper()
	var place *crdt.DecodeError
	if !errors.As(err, &place) || !errors.Is(err, crdt.ErrMalformed) {
		t.Errorf("%s: got %v", fault, err)
		return
	}
	if place.Offset != offset || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: got %q, want %q at byte %d", fault, err, want, offset)
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

func TestDecodingAllocatesAtMostASmallMultipleOfTheInput(t *testing.T) {
	const (
		frame    = 256 << 10
		multiple = 4
		fixed    = 1 << 10 // the error
	)
	claim := func(head string, n int) []byte {
		b := make([]byte, frame)
		copy(b, unhex(t, head))
		binary.BigEndian.PutUint32(b[3:], uint32(n))
		return b
	}
	for name, b := range map[string][]byte{
		"a tiny batch that claims 2^32 heroes":          unhex(t, "a1019affffffff"),
		"a tiny batch that claims 2^64 tombstones":      unhex(t, "a1029bffffffffffffffff"),
		"a frame that claims as many heroes as fit":     claim("a1019a", frame/30),
		"a frame that claims as many tombstones as fit": claim("a1029a", frame/23),
		"a frame of the least heroes":                   crdt.AppendEntries(nil, leastHeroes(frame/27)),
	} {
		got := allocated(func() { _, _ = crdt.DecodeEntries(b) })
		if got > uint64(multiple*len(b)+fixed) {
			t.Errorf("%s: %d bytes allocated for %d", name, got, len(b))
		}
	}
}

// allocated returns the bytes that f allocates: the least of a few runs, as the
// runtime now and then allocates for itself.
func allocated(f func()) uint64 {
	least := uint64(math.MaxUint64)
	for range 5 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	return least
}

func leastHeroes(n int) (e crdt.Entries) {
	for range n {
		e.Heroes = append(e.Heroes, crdt.Hero{Name: "a", Location: "a", Health: 1})
	}
	return e
}

func TestIDMayHaveALongLengthInRequests(t *testing.T) {
	raw := strings.Repeat("11", 16)
	want := crdt.ID(unhex(t, raw))
	for _, s := range []string{"50" + raw, "5810" + raw, "5b0000000000000010" + raw} {
		var id crdt.ID
		if err := id.UnmarshalCBOR(unhex(t, s)); err != nil || id != want {
			t.Errorf("%s: %v, %v", s, id, err)
		}
	}
	for _, s := range []string{"", "4f" + raw[2:], "51" + raw + "11", "70" + raw, "50" + raw + "00", "5f50" + raw + "ff", "f6"} {
		var id crdt.ID
		if err := id.UnmarshalCBOR(unhex(t, s)); !errors.Is(err, crdt.ErrMalformed) {
			t.Errorf("%s: %v", s, err)
		}
	}
}

func TestSummaryIgnoresWhatLaterVersionsAdd(t *testing.T) {
	digest := "50" + strings.Repeat("22", 16)
	want := crdt.Summary{Heroes: 5, Tombstones: 300, Digest: crdt.Digest(unhex(t, digest[2:]))}
	for name, s := range map[string]string{
		"as we write it":       "a3" + "0105" + "0219012c" + "03" + digest,
		"in another order":     "a3" + "03" + digest + "0219012c" + "0105",
		"longer than minimal":  "b803" + "1801" + "1b0000000000000005" + "0219012c" + "03" + digest,
		"with an unknown key":  "a4" + "0105" + "0219012c" + "03" + digest + "04" + "82a10142ffff8120",
		"with a text key":      "a4" + "0105" + "63666f6f" + "f6" + "0219012c" + "03" + digest,
		"with a key of arrays": "a4" + "0105" + "0219012c" + "03" + digest + "8101" + "f4",
	} {
		var got crdt.Summary
		if err := got.UnmarshalCBOR(unhex(t, s)); err != nil || got != want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestSummaryRefuses(t *testing.T) {
	digest := "50" + strings.Repeat("22", 16)
	three := "0105" + "0206" + "03" + digest
	for name, s := range map[string]string{
		"nothing":                   "",
		"null":                      "f6",
		"an array":                  "83" + "05" + "06" + digest,
		"no heroes":                 "a2" + "0206" + "03" + digest,
		"no digest":                 "a2" + "0105" + "0206",
		"a repeated key":            "a4" + "0105" + three,
		"a digest of 15 bytes":      "a3" + "0105" + "0206" + "034f" + strings.Repeat("22", 15),
		"a negative count":          "a3" + "0120" + "0206" + "03" + digest,
		"more after it":             "a3" + three + "00",
		"more pairs than there are": "a4" + three,
		"2^64-1 pairs":              "bbffffffffffffffff" + three,
		"an indefinite map":         "bf" + three + "ff",
		"an unknown float":          "a4" + three + "04" + "f93c00",
		"an unknown tag":            "a4" + three + "04" + "c100",
		"an unknown simple value":   "a4" + three + "04" + "f7",
		"an unknown string cut":     "a4" + three + "04" + "5a7fffffff",
		"an unknown map cut":        "a4" + three + "04" + "bb7fffffffffffffff",
		"an unknown array cut":      "a4" + three + "04" + "9b7fffffffffffffff" + "00",
		"an unknown value too deep": "a4" + three + "04" + strings.Repeat("81", 1000) + "00",
	} {
		var got crdt.Summary
		if err := got.UnmarshalCBOR(unhex(t, s)); !errors.Is(err, crdt.ErrMalformed) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestUnmarshalersAreTheDecoders(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := crdttest.Entries().Draw(t, "entries")
		b, _ := e.MarshalCBOR()
		var back crdt.Entries
		if err := back.UnmarshalCBOR(b); err != nil || !reflect.DeepEqual(back, e) {
			t.Fatalf("entries: %+v, %v", back, err)
		}
		for _, h := range e.Heroes {
			b, _ := h.MarshalCBOR()
			var back crdt.Hero
			if err := back.UnmarshalCBOR(b); err != nil || back != h {
				t.Fatalf("hero: %+v, %v", back, err)
			}
		}
		for _, d := range e.Tombstones {
			b, _ := d.MarshalCBOR()
			var back crdt.Tombstone
			if err := back.UnmarshalCBOR(b); err != nil || back != d {
				t.Fatalf("tombstone: %+v, %v", back, err)
			}
		}
		digest := crdt.Digest(anyID().Draw(t, "digest"))
		raw, _ := digest.MarshalCBOR()
		var got crdt.Digest
		if err := got.UnmarshalCBOR(raw); err != nil || got != digest {
			t.Fatalf("digest: %v, %v", got, err)
		}
		if err := got.UnmarshalCBOR(bytes.Replace(raw, raw[:1], []byte{0x51}, 1)); err == nil {
			t.Fatal("a digest of 17 bytes was accepted")
		}
	})
}
