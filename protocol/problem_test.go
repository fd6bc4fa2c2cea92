package protocol

import (
	"testing"
	"time"

	"github.com/citynode/citynode/crdt"
)

// problemLines are what a city answers in tests.
var problemLines = []ProblemLine{
	{Problem: ProblemStore, City: "paris", Peer: []byte("peer"), Since: crdt.StampAt(time.Unix(1_800_000_000, 0)), Detail: "no space left on device"},
	{Problem: ProblemFailed, City: "rome", Peer: []byte("reep"), Since: 9},
}

func TestEveryProblemHasARemedyAndTheFormOfACode(t *testing.T) {
	for p := range remedies {
		if err := p.validate(); err != nil {
			t.Error(err)
		}
	}
	if got := Problem("of_a_later_program").Remedy(); got == "" {
		t.Error("an unknown problem has no remedy")
	}
	if own := len(remedies) - 2; own > ProblemsMax { // two are seen from outside only
		t.Errorf("a city can have %d problems, and tell of %d", own, ProblemsMax)
	}
}

func TestOrderAndRepetitionOfProblemsMeanNothing(t *testing.T) {
	for _, row := range []struct {
		a, b []Problem
		same bool
	}{
		{nil, nil, true},
		{nil, []Problem{}, true},
		{[]Problem{"a", "b"}, []Problem{"b", "a", "b"}, true},
		{[]Problem{"a"}, []Problem{"a", "b"}, false},
		{[]Problem{"a", "b"}, []Problem{"a"}, false},
	} {
		if SameProblems(row.a, row.b) != row.same {
			t.Errorf("%v and %v: same is not %t", row.a, row.b, row.same)
		}
	}
}

func TestTheDetailOfAProblemIsMadePlain(t *testing.T) {
	var got ProblemsReply
	sent := ProblemsReply{Problems: []ProblemLine{{Problem: ProblemStore, City: "paris", Peer: []byte("p"), Detail: "a\x1b[2Jb"}}}
	if err := UnmarshalLenient(encode(t, sent), &got); err != nil {
		t.Fatal(err)
	}
	if got := got.Problems[0].Detail; got != "a [2Jb" {
		t.Errorf("shown as %q", got)
	}
}
