package detection

import (
	"math/rand/v2"
	"testing"
	"time"
)

// All connections of a machine end at once, as where there were too many, and whoever is
// dialed answers.
func TestLostConnectionsAreDialedAFewAtOnceAndAllInTheEnd(t *testing.T) {
	const peers = 50
	m := New("me", rand.New(rand.NewPCG(1, 1)))
	now := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	dialed := make(map[Peer]bool)
	var step func(Event)
	step = func(e Event) {
		var then []Event
		for _, effect := range m.Step(now, e) {
			switch e := effect.(type) {
			case Ask:
				then = append(then, Answered(e))
			case Dial:
				dialed[e.Peer] = true
				then = append(then, Dialed{Peer: e.Peer, OK: true})
			case Became:
				t.Fatalf("%v is %v", e.Peer, e.Status)
			}
		}
		for _, e := range then {
			step(e)
		}
	}
	for i := range peers {
		step(Alive{Peer: peerOf(i), Connected: true})
	}
	for i := range peers {
		step(Disconnected{peerOf(i)})
	}
	until := func(end time.Time) {
		for m.Next().Before(end) {
			now = m.Next()
			step(Tick{})
		}
	}
	begun := now
	for _, row := range []struct {
		after       time.Duration
		least, most int
	}{
		{900 * time.Millisecond, visitsAtOnce, visitsAtOnce},
		{time.Minute, visitsAtOnce + 4, visitsAtOnce + 7}, // one of them is watched
		{10 * time.Minute, peers, peers},
	} {
		if until(begun.Add(row.after)); len(dialed) < row.least || len(dialed) > row.most {
			t.Errorf("%d are dialed within %v, want %d to %d", len(dialed), row.after, row.least, row.most)
		}
	}
}
