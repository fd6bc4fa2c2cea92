package logging

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// disk takes what there is room for.
type disk struct {
	bytes.Buffer
	room int
}

func (d *disk) Write(p []byte) (int, error) {
	n := min(len(p), d.room)
	d.room -= n
	d.Buffer.Write(p[:n])
	if n < len(p) {
		return n, syscall.ENOSPC
	}
	return n, nil
}

func newTestLines(w io.Writer) *Lines {
	l := NewLines(w, func(lost uint64) []byte { return fmt.Appendf(nil, "%d lost\n", lost) })
	go l.Serve()
	return l
}

func TestTheFirstLineIsFirstWhateverCameBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{room: 1000}
		l := newTestLines(d)
		fmt.Fprintln(l, "early")
		synctest.Wait()
		if d.Len() > 0 {
			t.Errorf("before the beginning there is %q", d)
		}
		l.Begin([]byte("first\n"))
		l.Begin([]byte("never\n"))
		fmt.Fprintln(l, "late")
		l.Close(time.Second)
		if got := d.String(); got != "first\nearly\nlate\n" {
			t.Errorf("written: %q", got)
		}
	})
}

func TestWhatNeverBeganIsStillWrittenAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{room: 1000}
		l := newTestLines(d)
		fmt.Fprintln(l, "early")
		l.Close(time.Second)
		if got := d.String(); got != "early\n" {
			t.Errorf("written: %q", got)
		}
	})
}

func TestAFullDiskLosesLinesWhichAreCountedAndTearsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{room: len("first\nha")}
		l := newTestLines(d)
		l.Begin([]byte("first\n"))
		for range 3 {
			fmt.Fprintln(l, "half")
		}
		synctest.Wait()
		d.room = 1000
		fmt.Fprintln(l, "again")
		l.Close(time.Second)
		if got := d.String(); got != "first\nha\n3 lost\nagain\n" {
			t.Errorf("written: %q", got)
		}
	})
}

func TestAReaderThatStopsHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe() // nobody reads
		l := newTestLines(w)
		l.Begin(nil)
		fmt.Fprintln(l, "line")
		synctest.Wait() // it is being written
		for range linesMax + 5 {
			fmt.Fprintln(l, "line")
		}
		begin := time.Now()
		l.Close(time.Second)
		if took := time.Since(begin); took != time.Second {
			t.Errorf("Close took %v", took)
		}
		// Somebody reads after all.
		var all bytes.Buffer
		go func() { _, _ = io.Copy(&all, r) }()
		synctest.Wait()
		if lines := strings.Count(all.String(), "line\n"); lines != linesMax+1 || !strings.Contains(all.String(), "\n5 lost\n") {
			t.Errorf("%d lines are there, in\n%.100s", lines, all.String())
		}
		_ = w.Close()
	})
}
