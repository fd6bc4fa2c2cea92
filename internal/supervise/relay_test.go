package supervise

import (
	"errors"
	"testing"
)

func TestARelayThrowsAPanicAgainWhereItIsWaitedFor(t *testing.T) {
	var r Relay
	if err := r.Guard(func() error { return errBoom }); !errors.Is(err, errBoom) {
		t.Errorf("an error became %v", err)
	}
	r.Rethrow() // there was no panic
	if _, ok := errors.AsType[*PanicError](r.Guard(func() error { panic("boom") })); !ok {
		t.Error("a panic is no error of what it ended")
	}
	defer func() {
		if p, ok := recover().(*PanicError); !ok || p.Value != "boom" {
			t.Errorf("thrown again was %v", p)
		}
	}()
	r.Rethrow()
	t.Error("nothing was thrown again")
}
