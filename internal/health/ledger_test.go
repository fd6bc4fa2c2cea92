package health

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/citynode/citynode/protocol"
)

var noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

func at(seconds int) time.Time { return noon.Add(time.Duration(seconds) * time.Second) }

func finding(code protocol.Problem, city string) Finding {
	return Finding{Code: code, City: city, Peer: city}
}

// brief returns problems as text.
func brief(some []Problem) (texts []string) {
	for _, p := range some {
		texts = append(texts, fmt.Sprintf("%s of %s since %v", p.Code, p.City, p.Since.Sub(noon)))
	}
	return texts
}

func TestAProblemIsToldWhenItBeginsAndWhenItIsOver(t *testing.T) {
	l := newLedger()
	full, failed := finding(protocol.ProblemFull, "a"), finding(protocol.ProblemFailed, "b")
	louder := full
	louder.Detail = "by now very full"
	for i, step := range []struct {
		found             []Finding
		begun, over, open []string
	}{
		{nil, nil, nil, nil},
		{[]Finding{full}, []string{"full of a since 1s"}, nil, []string{"full of a since 1s"}},
		{[]Finding{full, failed, full}, []string{"failed of b since 2s"}, nil, []string{"full of a since 1s", "failed of b since 2s"}},
		{[]Finding{failed, louder}, nil, nil, []string{"full of a since 1s", "failed of b since 2s"}},
		{[]Finding{failed}, nil, []string{"full of a since 1s"}, []string{"failed of b since 2s"}},
		{[]Finding{failed, full}, []string{"full of a since 5s"}, nil, []string{"full of a since 5s", "failed of b since 2s"}},
		{nil, nil, []string{"full of a since 5s", "failed of b since 2s"}, nil},
	} {
		begun, over := l.update(at(i), step.found)
		if got := brief(begun); !slices.Equal(got, step.begun) {
			t.Errorf("step %d: begun %v, want %v", i, got, step.begun)
		}
		if got := brief(over); !slices.Equal(got, step.over) {
			t.Errorf("step %d: over %v, want %v", i, got, step.over)
		}
		if got := brief(l.all("x")); !slices.Equal(got, step.open) {
			t.Errorf("step %d: open %v, want %v", i, got, step.open)
		}
	}
}

func TestTheOwnProblemsComeFirst(t *testing.T) {
	l := newLedger()
	l.update(noon, []Finding{finding("x", "a"), finding("x", "m"), finding("a", "z"), finding("b", "m")})
	want := []string{"b of m since 0s", "x of m since 0s", "x of a since 0s", "a of z since 0s"}
	if got := brief(l.all("m")); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestProblemsBeyondTheBoundAreLeftOut(t *testing.T) {
	var many []Finding
	for i := range 2 * problemsMax {
		many = append(many, finding("x", fmt.Sprint(i)))
	}
	l := newLedger()
	if begun, _ := l.update(noon, many); len(begun) != problemsMax || len(l.all("")) != problemsMax {
		t.Errorf("%d have begun and %d are open, want %d", len(begun), len(l.all("")), problemsMax)
	}
}

// What is open is what was begun and is not over, and is what was found last.
func TestBeginningsAndEndsAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, open := newLedger(), map[key]int{}
		for i := range rapid.IntRange(1, 20).Draw(t, "looks") {
			found := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Finding {
				return finding(protocol.Problem(rapid.SampledFrom([]string{"x", "y"}).Draw(t, "code")), rapid.SampledFrom([]string{"a", "b"}).Draw(t, "city"))
			}), 0, 6).Draw(t, "found")
			begun, over := l.update(at(i), found)
			for _, p := range begun {
				open[key{p.Code, p.Peer}]++
			}
			for _, p := range over {
				open[key{p.Code, p.Peer}]--
			}
			want := map[key]int{}
			for _, f := range found {
				want[key{f.Code, f.Peer}] = 1
			}
			for k, n := range open {
				if n != want[k] {
					t.Fatalf("%v was told %d times to have begun and not to be over, want %d", k, n, want[k])
				}
			}
			if len(l.all("")) != len(want) {
				t.Fatalf("%d are open, want %d", len(l.all("")), len(want))
			}
		}
	})
}
