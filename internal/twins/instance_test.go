package twins

import (
	"testing"

	"github.com/citynode/citynode/protocol"
)

func TestNoTwoProcessesDrawOneInstance(t *testing.T) {
	a, b := Draw(1), Draw(1)
	if a.Compare(b) == 0 || a.Compare(b) != -b.Compare(a) || a.Compare(a) != 0 {
		t.Errorf("%+v and %+v", a, b)
	}
}

func TestOfTwoInstancesTheOneThatStartedLaterIsGreater(t *testing.T) {
	early, late := Draw(1), Draw(2)
	early.Random[0], late.Random[0] = 255, 0
	if early.Compare(late) >= 0 || late.Compare(early) <= 0 {
		t.Error("the random bytes decide before the start")
	}
	if low, high := (protocol.Instance{Started: 1}), (protocol.Instance{Started: 1, Random: [16]byte{15: 1}}); low.Compare(high) >= 0 {
		t.Error("of two that started at once the random bytes do not decide")
	}
}
