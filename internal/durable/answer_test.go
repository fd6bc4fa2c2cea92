package durable

import (
	"testing"
	"time"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/store"
)

func TestAnswersSurviveTheStore(t *testing.T) {
	hero := crdt.Hero{ID: heroID(1), Name: "Batman", Health: 50, Location: crdt.Home, Version: crdt.Version{HLC: 1}}
	tombstone := crdt.Tombstone{ID: heroID(2), Version: crdt.Version{HLC: 1}}
	for _, want := range []city.Answered{
		{Caller: city.Caller{Name: "a", Request: heroID(3)}, Digest: city.RequestDigest{1}, At: time.Unix(5, 6), Reply: city.Reply{Hero: hero}},
		{Caller: city.Caller{Name: "b", Request: heroID(4)}, Digest: city.RequestDigest{2}, At: time.Unix(7, 8), Reply: city.Reply{Tombstone: tombstone}},
	} {
		got, err := DecodeAnswer(EncodeAnswer(want))
		if err != nil || got.Caller != want.Caller || got.Digest != want.Digest || !got.At.Equal(want.At) ||
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
