package antientropy

import "testing"

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
	if q.finish(first); !begun(second) {
		t.Error("the next does not begin when the first has ended")
	}
	if q.finish(second); q.running || q.next != nil {
		t.Error("something runs when all have ended")
	}
}
