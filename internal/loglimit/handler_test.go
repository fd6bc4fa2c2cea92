package loglimit

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A testLog is a limited log in a bubble.
type testLog struct {
	*slog.Logger
	mu   sync.Mutex // guards text
	text bytes.Buffer
	end  func()
}

func (l *testLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// lines returns what was written since the last call, without times.
func (l *testLog) lines() []string {
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	text := regexp.MustCompile(`(?m)^time=\S+ `).ReplaceAllString(l.text.String(), "")
	l.text.Reset()
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

func (l *testLog) want(t *testing.T, what string, want ...string) {
	t.Helper()
	if got := l.lines(); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s:\n%s\nwant:\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func newTestLog(t *testing.T) *testLog {
	t.Helper()
	l := new(testLog)
	h := New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
	l.Logger = slog.New(h)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = h.Serve(ctx) // always nil
	}()
	l.end = func() {
		stop()
		<-ended
	}
	t.Cleanup(l.end)
	return l
}

func TestAPeerGetsOneLineOfAKindAMinuteAndACount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTestLog(t)
		for i := range 100 {
			l.Error("call failed", By("peer", "p"), "n", i)
		}
		l.Error("call failed", By("peer", "q"))
		l.Warn("call failed", By("peer", "p"))
		l.Error("it violates", By("peer", "p"))
		l.Error("it violates", By("peer", "p", "another kind"))
		l.want(t, "at once", `level=ERROR msg="call failed" peer=p n=0`, `level=ERROR msg="call failed" peer=q`,
			`level=WARN msg="call failed" peer=p`, `level=ERROR msg="it violates" peer=p`, `level=ERROR msg="it violates" peer=p`)
		time.Sleep(windowFor + time.Second)
		l.want(t, "a minute later", `level=ERROR msg="call failed" peer=p n=1 times=99`)
		for range 5 {
			time.Sleep(20 * time.Second)
			l.Error("call failed", By("peer", "p"))
		}
		time.Sleep(2 * windowFor)
		l.want(t, "three minutes later", `level=ERROR msg="call failed" peer=p times=2`, `level=ERROR msg="call failed" peer=p times=3`)
		time.Sleep(windowFor)
		l.Error("call failed", By("peer", "p"))
		l.want(t, "long after", `level=ERROR msg="call failed" peer=p`)
	})
}

func TestALoggerIsOfAPeerToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTestLog(t)
		of := l.With(By("caller", "p")).WithGroup("g").With("a", 1)
		of.Error("call failed", "n", 1)
		of.Error("call failed", "n", 2)
		of.Debug("in full", "n", 3)
		of.Debug("in full", "n", 4)
		l.want(t, "at once", `level=ERROR msg="call failed" caller=p g.a=1 g.n=1`, `level=DEBUG msg="in full" caller=p g.a=1 g.n=3`,
			`level=DEBUG msg="in full" caller=p g.a=1 g.n=4`)
		time.Sleep(2 * windowFor)
		l.want(t, "later", `level=ERROR msg="call failed" caller=p g.a=1 g.n=2 g.times=1`)
	})
}

func TestWhatNoPeerCausesIsNotLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTestLog(t)
		for range 3 {
			l.Error("the disk is full", "peer", "p")
		}
		if got := l.lines(); len(got) != 3 {
			t.Errorf("%d lines, want 3", len(got))
		}
	})
}

// Whoever makes a peer ID for each line fills no log either.
func TestManyPeersGetABoundedNumberOfLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTestLog(t)
		const peers = 10 * kindsMax
		for range 2 {
			for i := range peers {
				l.Error("call failed", By("peer", fmt.Sprint(i)))
			}
		}
		if got := l.lines(); len(got) != kindsMax {
			t.Errorf("%d lines at once, want %d", len(got), kindsMax)
		}
		time.Sleep(windowFor + windowFor/4)
		got := l.lines()
		left := fmt.Sprintf(`level=WARN msg="lines about other peers were left out" such_as="call failed" times=%d`, 2*(peers-kindsMax))
		if len(got) != kindsMax+1 || got[len(got)-1] != left {
			t.Errorf("%d lines a minute later, the last %s, want %d with %s", len(got), got[len(got)-1], kindsMax+1, left)
		}
	})
}

func TestWhatWasCountedIsToldAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTestLog(t)
		l.Error("call failed", By("peer", "p"))
		l.Error("call failed", By("peer", "p"))
		l.lines()
		l.end()
		l.want(t, "at the end", `level=ERROR msg="call failed" peer=p times=1`)
	})
}
