package durable

import (
	"fmt"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/cbor"
	"github.com/citynode/citynode/internal/store"
)

// The keys of a remembered answer as the store keeps it, a map with all of them in
// this order. A create or an assign was answered with a hero, a retire with a
// tombstone: the one entry.
const (
	answerRequest = 1 + iota
	answerDigest
	answerEntries
	answerSummary
)

// answerKeys is how many keys an answer has. The stores of earlier programs have answers
// in this form: another one needs a new format of the store.
const answerKeys = answerSummary

// EncodeAnswer returns an answer as the store keeps it.
func EncodeAnswer(a city.Answered) store.Answer {
	var e crdt.Entries
	if a.Reply.Hero.ID.IsZero() {
		e.Tombstones = []crdt.Tombstone{a.Reply.Tombstone}
	} else {
		e.Heroes = []crdt.Hero{a.Reply.Hero}
	}
	data := cbor.AppendHead(nil, cbor.Map, answerKeys)
	data = cbor.AppendBytes(cbor.AppendUint(data, answerRequest), a.Request[:])
	data = cbor.AppendBytes(cbor.AppendUint(data, answerDigest), a.Digest[:])
	data = crdt.AppendEntries(cbor.AppendUint(data, answerEntries), e)
	data = crdt.AppendSummary(cbor.AppendUint(data, answerSummary), a.Reply.Summary)
	return store.Answer{Number: a.Number, Caller: a.Name, Data: data}
}

// DecodeAnswer is the inverse of EncodeAnswer. It fails on bytes that EncodeAnswer
// does not make: an answer that was misread would be given to a caller as the truth.
func DecodeAnswer(s store.Answer) (city.Answered, error) {
	a := city.Answered{Caller: city.Caller{Name: s.Caller}, Number: s.Number}
	var e crdt.Entries
	r := cbor.NewReader(s.Data, cbor.Limits{})
	if n := r.Map("answer"); n != answerKeys {
		r.Failf(0, "%d keys, want %d", n, answerKeys)
	}
	key(&r, answerRequest)
	copy(a.Request[:], r.Bytes("request", len(a.Request), len(a.Request)))
	key(&r, answerDigest)
	copy(a.Digest[:], r.Bytes("digest", len(a.Digest), len(a.Digest)))
	key(&r, answerEntries)
	part(&r, crdt.CutEntries, &e)
	key(&r, answerSummary)
	part(&r, crdt.CutSummary, &a.Reply.Summary)
	r.End()
	if err := r.Err(); err != nil {
		return city.Answered{}, fmt.Errorf("stored answer: %w", err)
	}
	if e.Len() != 1 {
		return city.Answered{}, fmt.Errorf("stored answer of %d entries", e.Len())
	}
	for _, hero := range e.Heroes {
		a.Reply.Hero = hero
	}
	for _, tombstone := range e.Tombstones {
		a.Reply.Tombstone = tombstone
	}
	return a, nil
}

// key reads a key, which must be this one.
func key(r *cbor.Reader, want uint64) {
	at := r.At()
	if got := r.Uint("key"); got != want {
		r.Failf(at, "key %d, want %d", got, want)
	}
}

// part reads a value that crdt codes.
func part[T any](r *cbor.Reader, cut func([]byte) (T, []byte, error), into *T) {
	if r.Failed() {
		return
	}
	value, rest, err := cut(r.Rest())
	if err != nil {
		r.Fail(r.At(), err)
		return
	}
	*into = value
	r.Advance(r.Left() - len(rest))
}
