package durable

import (
	"bytes"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/store"
)

func TestAnswersSurviveTheStore(t *testing.T) {
	hero := crdt.Hero{ID: heroID(1), Name: "Batman", Health: 50, Location: crdt.Home, Version: crdt.Version{HLC: 1}}
	tombstone := crdt.Tombstone{ID: heroID(2), Version: crdt.Version{HLC: 1}}
	for _, want := range []city.Answered{
		{Caller: city.Caller{Name: "a", Request: heroID(3)}, Digest: city.RequestDigest{1}, Number: 5, Reply: city.Reply{Hero: hero}},
		{Caller: city.Caller{Name: "b", Request: heroID(4)}, Digest: city.RequestDigest{2}, Number: 7, Reply: city.Reply{Tombstone: tombstone}},
	} {
		got, err := DecodeAnswer(EncodeAnswer(want))
		if err != nil || got.Caller != want.Caller || got.Digest != want.Digest || got.Number != want.Number ||
			got.Reply.Hero != want.Reply.Hero || got.Reply.Tombstone != want.Reply.Tombstone {
			t.Errorf("%+v, %v, want %+v", got, err, want)
		}
	}
	if _, err := DecodeAnswer(store.Answer{Data: []byte{0xa0}}); err == nil {
		t.Error("an empty answer was decoded")
	}
}

// heroID is the n-th ID of these tests.
func heroID(n byte) (id crdt.ID) {
	id[0], id[15] = 1, n
	return id
}

// An answer that an earlier version of the program stored.
func TestAnAnswerIsStoredInOneForm(t *testing.T) {
	hero := crdt.Hero{ID: heroID(1), Name: "Batman", Health: 50, Location: crdt.Home, Version: crdt.Version{HLC: 1}}
	stored := EncodeAnswer(city.Answered{
		Caller: city.Caller{Name: "a", Request: heroID(3)}, Digest: city.RequestDigest{1}, Number: 5,
		Reply: city.Reply{Hero: hero, Summary: crdt.Summary{Heroes: 1}},
	})
	general, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		t.Fatal(err)
	}
	type form struct {
		Request crdt.ID      `cbor:"1,keyasint"`
		Digest  []byte       `cbor:"2,keyasint"`
		Entries crdt.Entries `cbor:"3,keyasint"`
		Summary crdt.Summary `cbor:"4,keyasint"`
	}
	want, err := general.Marshal(form{heroID(3), append([]byte{1}, make([]byte, 31)...), crdt.Entries{Heroes: []crdt.Hero{hero}}, crdt.Summary{Heroes: 1}})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(stored.Data, want) {
		t.Errorf("%x, want %x", stored.Data, want)
	}
	for n := range stored.Data { // and no other bytes are
		if _, err := DecodeAnswer(store.Answer{Data: stored.Data[:n]}); err == nil {
			t.Errorf("the first %d bytes were decoded", n)
		}
	}
}
