package detection

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
)

// TestScripts plays testdata/scripts/*.txt: a machine, of the peer "me", that is told
// events one by one. Rewrite what is expected with -rewrite, and read the diff.
//
//	machine PEER…            which are alive and connected, and have answered once in 10 ms
//	pass D [PEER…]           time, with a Tick whenever one is due; these answer at once
//	late D                   time without a Tick, as for one that is held up, and then one
//	answer PEER…             their open questions
//	alive PEER [restarted] | gone PEER | connected PEER | disconnected PEER | asked PEER
//	hint PEER ABOUT STAMP | lives PEER STAMP
//	dialed PEER [ok] | probed PEER [refused]
func TestScripts(t *testing.T) {
	datadriven.Walk(t, "testdata/scripts", func(t *testing.T, path string) {
		s := new(script)
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string { return s.run(t, d) })
	})
}

type script struct {
	begun, now time.Time
	m          *Machine
	out        strings.Builder
	quiet      bool
}

func (s *script) run(t *testing.T, d *datadriven.TestData) string {
	t.Helper()
	s.out.Reset()
	args := make([]string, len(d.CmdArgs))
	for i, a := range d.CmdArgs {
		args[i] = a.Key
	}
	switch d.Cmd {
	case "machine":
		s.begin(args)
	case "pass":
		s.pass(t, args[0], args[1:])
	case "late":
		s.now = s.now.Add(duration(t, args[0]))
		s.step(Tick{})
	case "answer":
		s.answer(args)
	default:
		s.step(event(t, d, args))
	}
	return s.out.String()
}

func (s *script) begin(peers []string) {
	s.begun = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	s.now = s.begun
	s.m = New("me", rand.New(rand.NewPCG(1, 1)))
	s.quiet = true
	for _, p := range peers {
		s.step(Alive{Peer: Peer(p), Connected: true})
	}
	s.now = s.now.Add(10 * time.Millisecond)
	s.answer(peers)
	s.quiet = false
}

func (s *script) pass(t *testing.T, d string, answering []string) {
	t.Helper()
	end := s.now.Add(duration(t, d))
	for next := s.m.Next(); !next.IsZero() && !next.After(end); next = s.m.Next() {
		s.now = next
		s.step(Tick{})
		s.answer(answering)
	}
	s.now = end
}

// answer answers the open questions of peers.
func (s *script) answer(peers []string) {
	for _, p := range peers {
		if number := s.open(Peer(p)); number != 0 {
			s.step(Answered{Peer(p), number})
		}
	}
}

func (s *script) step(e Event) {
	for _, effect := range s.m.Step(s.now, e) {
		if !s.quiet {
			fmt.Fprintf(&s.out, "%5d ms: %s\n", s.now.Sub(s.begun).Milliseconds(), describe(effect))
		}
	}
}

func (s *script) open(p Peer) uint64 {
	x, _ := s.m.find(p)
	return x.question.number
}

func duration(t *testing.T, text string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func event(t *testing.T, d *datadriven.TestData, args []string) Event {
	t.Helper()
	p := Peer(args[0])
	last := args[len(args)-1]
	stamp := func() (n uint64) {
		if _, err := fmt.Sscan(last, &n); err != nil {
			d.Fatalf(t, "stamp: %v", err)
		}
		return n
	}
	switch d.Cmd {
	case "alive":
		return Alive{Peer: p, Connected: true, Restarted: last == "restarted"}
	case "gone":
		return Gone{p}
	case "connected":
		return Connected{p}
	case "disconnected":
		return Disconnected{p}
	case "asked":
		return Asked{p}
	case "hint":
		return Heard{p, stamp(), Peer(args[1])}
	case "lives":
		return Heard{p, stamp(), ""}
	case "dialed":
		return Dialed{p, last == "ok"}
	case "probed":
		return Probed{p, last == "refused"}
	}
	d.Fatalf(t, "unknown event")
	return nil
}

func describe(e Effect) string {
	switch e := e.(type) {
	case Ask:
		return fmt.Sprintf("ask %s, question %d", e.Peer, e.Number)
	case Dial:
		return "dial " + string(e.Peer)
	case Knock:
		return "knock at " + string(e.Peer)
	case Renew:
		return "renew connections to " + string(e.Peer)
	case Probe:
		return "probe " + string(e.Peer)
	case Tell:
		return "hint about " + string(e.About)
	case Live:
		return "say that I live"
	case Became:
		return string(e.Peer) + " is " + e.Status.String()
	case Confirm:
		return "confirm " + string(e.Peer)
	case Return:
		return "others may be back"
	}
	return fmt.Sprintf("%T", e)
}
