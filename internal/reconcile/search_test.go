package reconcile

import (
	"testing"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/crdt/crdttest"
)

// asked returns the answers to a want with an audit of all these entries' symbols.
func asked(t *testing.T, r *fakeReplica, prints []crdt.Fingerprint) (answers []Message) {
	t.Helper()
	audit := Audit{Salt: 7, Parts: 1}
	responder := NewResponder(r)
	if _, err := stepResponder(t, responder, Message{kind: KindHello, hello: newFoe().hello()}); err != nil {
		t.Fatal(err)
	}
	want := Message{kind: KindWant, audit: audit}
	for _, f := range prints {
		want.symbols = append(want.symbols, audit.Symbol(f))
	}
	answers, err := stepResponder(t, responder, want)
	if err != nil {
		t.Fatal(err)
	}
	return answers
}

func printsOf(e crdt.Entries) (prints []crdt.Fingerprint) {
	for _, h := range e.Heroes {
		prints = append(prints, h.Fingerprint())
	}
	return prints
}

func TestAllThatAnAuditWantsTakesOneWalk(t *testing.T) {
	e := heroes(0, 5000)
	r := replicaOf(1<<16, e)
	pages := 0
	r.before = func(op string) {
		if op == "page" {
			pages++
		}
	}
	walk := len(crdt.AppendEntries(nil, e))/(1<<16) + 1
	entries := 0
	for _, m := range asked(t, r, append(printsOf(e), printsOf(heroes(9000, 10))...)) {
		entries += m.entries.Len()
	}
	if entries != 5000 || pages > walk+1 {
		t.Errorf("%d entries of 5000, %d pages read, want one walk of %d", entries, pages, walk)
	}
}

func TestWhatNobodyHasIsUnknownToAnAudit(t *testing.T) {
	r := replicaOf(1<<16, heroes(0, 5))
	answers := asked(t, r, printsOf(heroes(100, 3)))
	if len(answers) != 1 || answers[0].unknown != 3 || answers[0].more {
		t.Errorf("%+v", answers)
	}
}

// Between the walk and the look-up the wanted twin goes, and leaves the other one under
// their symbol.
func TestATwinIsNotSentInPlaceOfTheWantedOne(t *testing.T) {
	one, other := crdttest.Twins()
	wanted := newSearch(Audit{Salt: 7, Parts: 1}, []uint64{Audit{Salt: 7, Parts: 1}.Symbol(one.Fingerprint())},
		map[uint64]uint64{Audit{Salt: 7, Parts: 1}.Symbol(one.Fingerprint()): one.Fingerprint().Symbol()})
	r := replicaOf(1<<16, crdt.Entries{Tombstones: []crdt.Tombstone{other}})
	found, rest, err := wanted.next(t.Context(), r)
	if err != nil || found.Entries.Len() != 0 || found.Unknown != 1 || !rest.done() {
		t.Errorf("%+v, %v, done %t", found, err, rest.done())
	}
}
