package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"
)

// tiny is a module of two packages. The tests of the second see faults of the
// first.
const tiny = `
-- go.mod --
module tiny

go 1.26
-- sum/sum.go --
package sum

func Sum(n int) (sum int) {
	for i := 1; i <= n; i++ {
		sum += i
	}
	return sum
}
-- user/user.go --
package user

import "tiny/sum"

func Twice(n int) int { return 2 * sum.Sum(n) }
-- user/user_test.go --
package user

import "testing"

func TestTwice(t *testing.T) {
	t.Run("of three", func(t *testing.T) {
		if Twice(3) != 12 {
			t.Error("wrong")
		}
	})
}

func TestNothing(t *testing.T) { Twice(0) }

func TestBroken(t *testing.T) { t.Error("always") }
`

func tinyLaboratory(t *testing.T) *laboratory {
	lab := &laboratory{root: t.TempDir(), scratch: t.TempDir(), limit: 20 * time.Second}
	for _, file := range txtar.Parse([]byte(tiny)).Files {
		path := filepath.Join(lab.root, filepath.FromSlash(file.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, file.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return lab
}

// slip is a fault in one line of the tiny module's first package.
func slip(name, now string, tests ...string) mutant {
	m := mutant{
		name: name, file: "sum/sum.go", why: "a slip",
		old: "\tfor i := 1; i <= n; i++ {\n", new: "\t" + now + "\n",
	}
	for _, test := range tests {
		m.tests = append(m.tests, namedTest{"./user", test})
	}
	return m
}

func TestEachFateOfAFaultIsToldApart(t *testing.T) {
	lab := tinyLaboratory(t)
	const bound, endless = "for i := 1; i < n; i++ {", "for i := 1; i <= n; i += 0 {"
	mayHang := slip("hangs as it may", endless, "TestTwice")
	mayHang.hang = time.Second
	for _, c := range []struct {
		mutant
		want outcome
	}{
		{slip("bound", bound, "TestTwice"), killed},
		{slip("bound seen by a subtest", bound, "TestTwice/of_three"), killed},
		{slip("bound seen by one of two", bound, "TestTwice", "TestNothing"), alive},
		{slip("no Go", "for {{", "TestTwice"), invalid},
		{slip("panic", "panic(n); for i := range n {", "TestNothing"), killed},
		{mayHang, killed},
	} {
		v, err := lab.try(t.Context(), c.mutant)
		if err != nil || v.outcome != c.want || (v.detail == "") != (c.want == killed) {
			t.Errorf("%s: %+v, %v; want %s", c.name, v, err, c.want)
		}
	}
	lab.limit = time.Second
	if v, err := lab.try(t.Context(), slip("hangs", endless, "TestTwice")); err != nil || v.outcome != hung {
		t.Errorf("a fault that makes a test hang, unsaid: %+v, %v", v, err)
	}
}

func TestARunFailsIfAFaultLives(t *testing.T) {
	lab := tinyLaboratory(t)
	dead, lives := slip("dead", "for i := 1; i < n; i++ {", "TestTwice"), slip("lives", "for i := 1; i < n; i++ {", "TestNothing")
	var out strings.Builder
	if err := tryAll(t.Context(), &out, lab, []mutant{dead}); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if !strings.Contains(out.String(), "1 of 1 faults killed") {
		t.Errorf("told %s", out.String())
	}
	out.Reset()
	if err := tryAll(t.Context(), &out, lab, []mutant{dead, lives}); err == nil {
		t.Error("a run with a fault that lives ended well")
	}
	for _, want := range []string{"killed", "ALIVE", "TestNothing passes", "1 of 2 faults killed"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("nothing told of %q:\n%s", want, out.String())
		}
	}
}

func TestNothingIsLearnedFromATestThatFailsAnyway(t *testing.T) {
	lab := tinyLaboratory(t)
	for _, test := range []string{"TestBroken", "TestThatIsNotThere"} {
		var out strings.Builder
		err := tryAll(t.Context(), &out, lab, []mutant{slip("any", "for i := 1; i < n; i++ {", test)})
		if err == nil || !strings.Contains(err.Error(), test) {
			t.Errorf("%s: %v\n%s", test, err, out.String())
		}
	}
}

func TestARunThatIsStoppedTellsNoFate(t *testing.T) {
	lab := tinyLaboratory(t)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if v, err := lab.try(ctx, slip("bound", "for i := 1; i < n; i++ {", "TestTwice")); err == nil {
		t.Errorf("told %+v", v)
	}
}
