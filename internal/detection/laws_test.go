package detection

import (
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestWhateverItIsToldTheMachineStaysWithinItsBounds tells a machine anything in any order.
func TestWhateverItIsToldTheMachineStaysWithinItsBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Date(2030, 1, 1, 12, 59, 50, 0, time.UTC)
		begun := now
		m := New("me", rand.New(rand.NewPCG(1, rapid.Uint64().Draw(t, "seed"))))
		peers := rapid.SampledFrom([]Peer{"a", "b", "c", "d", "e", "me", "unknown"})
		status := map[Peer]Status{}
		dials, hints, lives := 0, 0, 0
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 700).Draw(t, "ms")) * time.Millisecond)
			e := anything(t, peers)
			if d, ok := e.(Dialed); ok {
				if dials == 0 {
					continue // none is under way
				}
				dials--
				_ = d
			}
			for _, effect := range m.Step(now, e) {
				switch x := effect.(type) {
				case Dial, Knock:
					dials++
				case Tell:
					hints++
				case Live:
					lives++
				case Became:
					if x.Peer == "me" || x.Peer == "unknown" {
						t.Fatalf("it judges %q", x.Peer)
					}
					if status[x.Peer] == x.Status {
						t.Fatalf("%s became %v twice", x.Peer, x.Status)
					}
					status[x.Peer] = x.Status
				}
			}
			if next := m.Next(); !next.IsZero() && !next.After(now) {
				t.Fatalf("due at %v, which is past", now.Sub(next))
			}
			if dials > dialsMax {
				t.Fatalf("%d dials at once", dials)
			}
			if g, ok := e.(Gone); ok {
				delete(status, g.Peer)
			}
		}
		if most := hintsAtOnce + int(now.Sub(begun)/hintsEvery) + 1; hints > most {
			t.Fatalf("%d hints, want at most %d", hints, most)
		}
		if most := int(now.Sub(begun)/liveEvery) + 2; lives > most {
			t.Fatalf("%d signs of life, want at most %d", lives, most)
		}
	})
}

func anything(t *rapid.T, peers *rapid.Generator[Peer]) Event {
	p := peers.Draw(t, "peer")
	if p == "unknown" && rapid.Bool().Draw(t, "tick") {
		return Tick{}
	}
	flag := rapid.Bool().Draw(t, "flag")
	number := rapid.Uint64Range(0, 40).Draw(t, "number")
	switch rapid.IntRange(0, 9).Draw(t, "event") {
	case 0, 1:
		if p == "unknown" {
			return Tick{}
		}
		return Alive{p, flag, number == 0}
	case 2:
		return Gone{p}
	case 3:
		return Connected{p}
	case 4:
		return Disconnected{p}
	case 5:
		return Answered{p, number}
	case 6:
		return Asked{p}
	case 7:
		return Heard{p, number, peers.Draw(t, "about")}
	case 8:
		return Dialed{p, flag}
	default:
		return Probed{p, flag}
	}
}

// TestNobodyIsSuspectWhoAnswersInTime has peers that each take their time to answer, always
// less than is waited for.
func TestNobodyIsSuspectWhoAnswersInTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(rapid.IntRange(2, 12).Draw(t, "nodes"), 0)
		w.oneWay = time.Duration(rapid.IntRange(1, 400).Draw(t, "ms")) * time.Millisecond
		w.run(time.Minute)
		if n := w.became(Suspect) + w.became(Failed); n > 0 {
			t.Fatalf("%d were judged", n)
		}
	})
}

// TestMembersAndAuthorsAreBounded floods a machine.
func TestMembersAndAuthorsAreBounded(t *testing.T) {
	m := New("me", rand.New(rand.NewPCG(1, 1)))
	now := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	for i := range membersMax + 100 {
		m.Step(now, Alive{Peer: peerOf(i)})
	}
	if len(m.members) != membersMax {
		t.Errorf("%d members", len(m.members))
	}
	asked := 0
	m = New("me", rand.New(rand.NewPCG(1, 1)))
	for i := range 100 {
		m.Step(now, Alive{Peer: peerOf(i), Connected: true})
		m.Step(now, Answered{peerOf(i), 1})
	}
	author := peerOf(0)
	for i := range 1000 {
		now = now.Add(10 * time.Millisecond)
		for _, e := range m.Step(now, Heard{author, uint64(i + 1), peerOf(1 + i%99)}) {
			if a, ok := e.(Ask); ok {
				asked++
				m.Step(now, Answered(a))
			}
		}
	}
	if asked > 45 { // two a second for its hints, ten at first, and the machine's own
		t.Errorf("a thousand hints in ten seconds had others asked %d times", asked)
	}
}

// Of cities that are not connected only a hint has them dialed.
func TestOfManyHintsAFewLeadToDialsAtOnce(t *testing.T) {
	m := New("me", rand.New(rand.NewPCG(1, 1)))
	now := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	for i := range 50 {
		m.Step(now, Alive{Peer: peerOf(i), Connected: i < 10})
	}
	for i := 10; i < 50; i++ {
		m.Step(now, Heard{peerOf(i % 10), uint64(i), peerOf(i)})
	}
	dials := 0
	for end := now.Add(500 * time.Millisecond); m.Next().Before(end); {
		for _, effect := range m.Step(m.Next(), Tick{}) {
			if _, ok := effect.(Dial); ok {
				dials++
			}
		}
	}
	if dials != dialsMax {
		t.Errorf("%d are dialed at once, want %d of 40", dials, dialsMax)
	}
}

// TestManySilentAreDialedAFewAtOnce has all but one of many peers silent on connections that
// stay.
func TestManySilentAreDialedAFewAtOnce(t *testing.T) {
	m := New("me", rand.New(rand.NewPCG(1, 1)))
	now := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	for i := range 50 {
		for _, e := range []Event{Alive{Peer: peerOf(i), Connected: true}, Answered{peerOf(i), 1}} {
			m.Step(now, e)
		}
	}
	dials, most := map[Peer]time.Time{}, 0
	for end := now.Add(time.Minute); now.Before(end); {
		if now = m.Next(); len(dials) > 0 {
			for p, ends := range dials {
				if !ends.After(now) {
					delete(dials, p)
					m.Step(now, Dialed{Peer: p})
				}
			}
		}
		for _, effect := range m.Step(now, Tick{}) {
			if k, ok := effect.(Knock); ok {
				dials[k.Peer] = now.Add(2500 * time.Millisecond)
				most = max(most, len(dials))
			}
		}
	}
	if most == 0 || most > knocksMax {
		t.Errorf("%d are dialed at once, want %d at most", most, knocksMax)
	}
}
