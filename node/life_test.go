package node

import (
	"errors"
	"testing"
)

func TestANodeThatEndedBeforeItWasReadyIsNotReady(t *testing.T) {
	failed := errors.New("it failed")
	for _, end := range []error{nil, failed} {
		n := &Node{life: newLife()}
		n.life.end(end)
		want := end
		if end == nil {
			want = ErrClosed // it was told to stop
		}
		if err := n.AwaitReady(t.Context()); !errors.Is(err, want) {
			t.Errorf("of a node that ended with %v: %v, want %v", end, err, want)
		}
		n.life.readyOnce.Do(func() { close(n.life.ready) })
		if err := n.AwaitReady(t.Context()); err != nil {
			t.Errorf("of one that was ready and has ended since: %v", err)
		}
	}
}
