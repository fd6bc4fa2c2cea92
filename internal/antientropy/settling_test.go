package antientropy

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/citynode/citynode/protocol"
)

func begun(s *settling) bool {
	select {
	case <-s.begin:
		return true
	default:
		return false
	}
}

// A settle that has begun may have passed what its caller wrote since.
func TestASettleIsSharedByThoseWhoComeBeforeItBegins(t *testing.T) {
	var q settles
	first, leads := q.join()
	if !leads || !begun(first) {
		t.Fatal("the first caller has to wait")
	}
	second, leads := q.join()
	if !leads || second == first || begun(second) {
		t.Fatal("a caller that came while one ran shares it, or does not wait")
	}
	if third, leads := q.join(); leads || third != second {
		t.Error("callers that wait do not share the next")
	}
	if q.finish(first, nil); !begun(second) {
		t.Error("the next does not begin when the first has ended")
	}
	if q.finish(second, nil); q.running || q.next != nil {
		t.Error("something runs when all have ended")
	}
}

func TestALineOfASettleIsToldAsItComes(t *testing.T) {
	var q settles
	s, _ := q.join()
	q.tell(s, protocol.SettleLine{City: "a"})
	cut := errors.New("cut short")
	var told []string
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err := q.follow(ctx, s, func(line protocol.SettleLine) error {
		if told = append(told, line.City); len(told) == 1 {
			q.tell(s, protocol.SettleLine{City: "b"})
		} else {
			q.finish(s, cut)
		}
		return nil
	})
	if len(told) != 2 || told[0] != "a" || told[1] != "b" || !errors.Is(err, cut) {
		t.Errorf("told of %v, then %v", told, err)
	}
}

func TestWhoFollowsASettleIsNotHeldByIt(t *testing.T) {
	var q settles
	s, _ := q.join()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := q.follow(ctx, s, func(protocol.SettleLine) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
}
