package durable

import (
	"fmt"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/store"
	"github.com/citynode/citynode/protocol"
)

// answerForm is a remembered answer as the store keeps it. A create or an assign
// was answered with a hero, a retire with a tombstone.
type answerForm struct {
	Request crdt.ID      `cbor:"1,keyasint"`
	Digest  []byte       `cbor:"2,keyasint"`
	Entries crdt.Entries `cbor:"3,keyasint"`
	Summary crdt.Summary `cbor:"4,keyasint"`
}

// EncodeAnswer returns an answer as the store keeps it.
func EncodeAnswer(a city.Answered) store.Answer {
	form := answerForm{Request: a.Request, Digest: a.Digest[:], Summary: a.Reply.Summary}
	if a.Reply.Hero.ID.IsZero() {
		form.Entries.Tombstones = []crdt.Tombstone{a.Reply.Tombstone}
	} else {
		form.Entries.Heroes = []crdt.Hero{a.Reply.Hero}
	}
	data, err := protocol.Marshal(form)
	if err != nil {
		panic("durable: an answer cannot be encoded: " + err.Error()) // of valid entries
	}
	return store.Answer{At: a.At, Caller: a.Name, Data: data}
}

// DecodeAnswer is the inverse of EncodeAnswer. It fails on bytes that EncodeAnswer
// does not make.
func DecodeAnswer(s store.Answer) (city.Answered, error) {
	var form answerForm
	if err := protocol.UnmarshalLenient(s.Data, &form); err != nil {
		return city.Answered{}, fmt.Errorf("stored answer: %w", err)
	}
	a := city.Answered{Caller: city.Caller{Name: s.Caller, Request: form.Request}, At: s.At}
	a.Reply.Summary = form.Summary
	if copy(a.Digest[:], form.Digest) != len(a.Digest) || form.Entries.Len() != 1 {
		return city.Answered{}, fmt.Errorf("stored answer of %d entries and a digest of %d bytes", form.Entries.Len(), len(form.Digest))
	}
	for _, hero := range form.Entries.Heroes {
		a.Reply.Hero = hero
	}
	for _, tombstone := range form.Entries.Tombstones {
		a.Reply.Tombstone = tombstone
	}
	return a, nil
}
