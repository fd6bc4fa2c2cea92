package reconcile

import (
	"bytes"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/crdt/crdttest"
)

func TestTheQuickCodecDoesWhatTheGeneralOneDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := crdttest.Entries().Draw(t, "entries")
		m := Message{
			kind:        rapid.SampledFrom([]Kind{KindPage, KindPush}).Draw(t, "kind"),
			encoded:     crdt.AppendEntries(nil, e),
			count:       uint64(e.Len()),
			incarnation: crdt.Stamp(rapid.Uint64().Draw(t, "incarnation")),
		}
		if m.more = rapid.Bool().Draw(t, "more"); m.more {
			m.cursor = crdt.Cursor(rapid.Uint64().Draw(t, "cursor"))
		}
		if m.kind == KindPush {
			m.more, m.cursor, m.incarnation = false, 0, 0
		}
		general, err := m.wire().encode()
		if err != nil {
			t.Fatal(err)
		}
		if quick, ok := m.quickEncode(); ok && !bytes.Equal(quick, general) {
			t.Fatalf("encoded %x, want %x", quick, general)
		}
		want, err := decode(general)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := quickDecode(general); ok && !reflect.DeepEqual(got, want) {
			t.Fatalf("decoded %+v, want %+v", got, want)
		}
		damaged := bytes.Clone(general)
		damaged[rapid.IntRange(0, len(damaged)-1).Draw(t, "at")] ^= byte(rapid.IntRange(1, 255).Draw(t, "bits"))
		if got, ok := quickDecode(damaged); ok {
			if want, err := decode(damaged); err != nil || !reflect.DeepEqual(got, want) {
				t.Fatalf("decoded %+v, want %+v, %v", got, want, err)
			}
		}
	})
}

func TestUsualPagesAndPushesAreQuick(t *testing.T) {
	e := heroes(0, 3)
	encoded := crdt.AppendEntries(nil, e)
	for _, m := range []Message{
		{kind: KindPush, encoded: encoded},
		{kind: KindPage, encoded: encoded, incarnation: 1 << 60},
		{kind: KindPage, encoded: encoded, incarnation: 1 << 60, more: true, cursor: 1<<32 | 7},
		{kind: KindPage, encoded: encoded, incarnation: 1 << 60, more: true, cursor: 70_000},
	} {
		b, ok := m.quickEncode()
		if !ok {
			t.Fatalf("%v was not encoded quickly", m)
		}
		if _, ok := quickDecode(b); !ok {
			t.Errorf("%v was not decoded quickly", m)
		}
	}
}
