package supervise

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
)

// hangHere waits in a function whose name a stack shows.
func hangHere(until chan struct{}) { <-until }

func TestTheStacksOfAPartAreThoseOfAllItsGoroutines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		until := make(chan struct{})
		defer close(until)
		for _, part := range []string{"stuck", "other"} {
			go labeled(t.Context(), part, func(context.Context) { go hangHere(until) })
		}
		synctest.Wait()
		if got := string(stacksOf("stuck")); strings.Count(got, "hangHere") != 1 {
			t.Errorf("the stacks of one part are\n%s", got)
		}
		if got := stacksOf("nobody"); len(got) > 0 {
			t.Errorf("the stacks of no part are\n%s", got)
		}
	})
}

func TestStacksArePickedByTheWholeNameAndBounded(t *testing.T) {
	profile := "goroutine profile: total 4\n" +
		"1 @ 0x1\n# labels: {\"part\":\"store\", \"x\":\"y\"}\n#\t0x1\tone\n\n" +
		"1 @ 0x2\n# labels: {\"part\":\"stored\"}\n#\t0x2\ttwo\n\n" +
		"1 @ 0x3\n#\t0x3\tthree \"part\":\"store\"\n\n" +
		"2 @ 0x4\n# labels: {\"part\":\"store\"}\n#\t0x4\tfour\n"
	got := string(pickStacks([]byte(profile), "store"))
	for name, want := range map[string]bool{"one": true, "two": false, "three": false, "four": true} {
		if strings.Contains(got, name) != want {
			t.Errorf("%s is there: %t, in\n%s", name, !want, got)
		}
	}
	long := strings.Repeat("1 @ 0x1\n# labels: {\"part\":\"store\"}\n#\t0x1\tone\n\n", 10_000)
	if got := pickStacks([]byte(long), "store"); len(got) != stacksBytesMax {
		t.Errorf("%d bytes are kept, want %d", len(got), stacksBytesMax)
	}
}
