package supervise

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestClosingGoesOnWithoutAPartThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		until := make(chan struct{})
		defer close(until)
		var told []*StopError
		c := Closing{PartMax: 3 * time.Second, Abandoned: func(err *StopError) { told = append(told, err) }}
		begin, closed := time.Now(), 0
		c.Close("first", func() error { closed++; return errBoom })
		c.Close("stuck", func() error { hangHere(until); return nil })
		c.Close("last", func() error { closed++; return nil })
		if took := time.Since(begin); took != 3*time.Second || closed != 2 {
			t.Errorf("%d parts were closed in %v, want 2 in 3 s", closed, took)
		}
		if len(told) != 1 || told[0].Child != "stuck" || !strings.Contains(string(told[0].Stacks), "hangHere") {
			t.Errorf("told of %v, want of the part that hangs, with its stack", told)
		}
		if err := c.Err(); !errors.Is(err, errBoom) || !errors.Is(err, ErrStopTimeout) {
			t.Errorf("Err = %v, want the failure of the first and the part that hangs", err)
		}
	})
}

func TestPartsThatHangShareOneDeadlineAndOthersAreStillClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		until := make(chan struct{})
		defer close(until)
		begin, closed := time.Now(), false
		c := Closing{By: begin.Add(4 * time.Second), PartMax: 3 * time.Second}
		for range 4 {
			c.Close("stuck", func() error { hangHere(until); return nil })
		}
		c.Close("last", func() error { time.Sleep(StopLeast / 2); closed = true; return nil })
		if took, want := time.Since(begin), 4*time.Second+5*StopLeast/2; took != want || !closed {
			t.Errorf("closed in %v, the last: %t; want %v, true", took, closed, want)
		}
	})
}

func TestAPanicOfAPartThatIsClosedIsItsError(t *testing.T) {
	var c Closing
	c.Close("bad", func() error { panic("boom") })
	if p, ok := errors.AsType[*PanicError](c.Err()); !ok || p.Value != "boom" {
		t.Errorf("Err = %v, want the panic", c.Err())
	}
}
