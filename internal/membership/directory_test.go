package membership

import (
	"fmt"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/protocol"
)

// noon is when the tests of the directory begin.
var noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

// after is a stamp so many seconds after noon.
func after(seconds int) crdt.Stamp {
	return crdt.StampAt(noon.Add(time.Duration(seconds) * time.Second))
}

// gotham is what a city says of itself in its incarnation at that time.
func gotham(incarnation, now crdt.Stamp) protocol.InfoReply {
	return protocol.InfoReply{Network: protocol.DefaultNetwork, City: "gotham", Since: after(0), Incarnation: incarnation, Now: now}
}

func presenceOf(info protocol.InfoReply) protocol.Presence {
	return protocol.Presence{City: info.City, Since: info.Since, Incarnation: info.Incarnation, Sent: info.Now}
}

// withGotham is a directory in which peer p is gotham, in the incarnation of
// second 1, as of second 2.
func withGotham() *Directory {
	d := NewDirectory()
	d.Confirmed("p", gotham(after(1), after(2)), noon)
	return d
}

func statusOf(t *testing.T, d *Directory, p peer.ID) protocol.CityStatus {
	t.Helper()
	e, ok := d.Get(p)
	if !ok {
		t.Fatalf("peer %s is not in the directory", p)
	}
	return e.Status
}

func TestOnlyLaterNewsOfAKnownLivingIncarnationIsTakenUnasked(t *testing.T) {
	later := presenceOf(gotham(after(1), after(3)))
	renamed := later
	renamed.City = "metropolis"
	leaving := later
	leaving.Leaving = true
	for _, row := range []struct {
		fact           string
		before         func(*Directory)
		author         peer.ID
		news           protocol.Presence
		taken, confirm bool
	}{
		{"later news", nil, "p", later, true, false},
		{"an unknown author", nil, "q", later, false, true},
		{"another name", nil, "p", renamed, false, true},
		{"a new incarnation", nil, "p", presenceOf(gotham(after(2), after(3))), false, true},
		{"an old incarnation", nil, "p", presenceOf(gotham(after(0), after(3))), false, true},
		{"older news", nil, "p", presenceOf(gotham(after(1), after(1))), false, false},
		{"the same news again", nil, "p", presenceOf(gotham(after(1), after(2))), false, false},
		{"of a suspect", func(d *Directory) { d.Judge("p", protocol.StatusSuspect) }, "p", later, true, false},
		{"of one that failed", func(d *Directory) { d.Judge("p", protocol.StatusFailed) }, "p", later, false, true},
		{"of one that left", func(d *Directory) { d.Hear("p", leaving, noon) }, "p", presenceOf(gotham(after(1), after(4))), false, true},
	} {
		d := withGotham()
		if row.before != nil {
			row.before(d)
		}
		before, _ := d.Get("p")
		_, confirm := d.Hear(row.author, row.news, noon.Add(time.Minute))
		after, _ := d.Get("p")
		if taken := fmt.Sprint(after) != fmt.Sprint(before); taken != row.taken || confirm != row.confirm {
			t.Errorf("%s: taken %t, to be confirmed %t", row.fact, taken, confirm)
		}
		if _, known := d.Get("q"); known {
			t.Errorf("%s: made an entry", row.fact)
		}
	}
}

func TestAGoodbyeMakesACityLeftEvenAfterItFailed(t *testing.T) {
	for _, failed := range []bool{false, true} {
		d := withGotham()
		if failed {
			d.Judge("p", protocol.StatusFailed)
		}
		goodbye := presenceOf(gotham(after(1), after(3)))
		goodbye.Leaving = true
		event, confirm := d.Hear("p", goodbye, noon)
		if confirm || event == nil || event.Status != protocol.StatusLeft || statusOf(t, d, "p") != protocol.StatusLeft {
			t.Errorf("failed %t: event %+v, to be confirmed %t", failed, event, confirm)
		}
		if event, _ := d.Hear("p", goodbye, noon); event != nil {
			t.Errorf("failed %t: told twice", failed)
		}
		if event := d.Judge("p", protocol.StatusFailed); event != nil {
			t.Error("one that left has failed as well")
		}
	}
}

func TestConfirmedTellsWhatIsNew(t *testing.T) {
	d := NewDirectory()
	tell := func(info protocol.InfoReply) string {
		e := d.Confirmed("p", info, noon)
		if e == nil {
			return "nothing"
		}
		return fmt.Sprintf("%q to %q, restarted %t", e.Before, e.Status, e.Restarted)
	}
	for i, want := range []string{`"" to "alive", restarted false`, "nothing"} {
		if got := tell(gotham(after(1), after(2))); got != want {
			t.Errorf("%d: got %s, want %s", i, got, want)
		}
	}
	if got, want := tell(gotham(after(2), after(3))), `"alive" to "alive", restarted true`; got != want {
		t.Errorf("after a restart: got %s, want %s", got, want)
	}
	d.Judge("p", protocol.StatusFailed)
	if got, want := tell(gotham(after(3), after(4))), `"failed" to "alive", restarted true`; got != want {
		t.Errorf("after a failure: got %s, want %s", got, want)
	}
}

func TestAnAnswerDoesNotMakeNewsOldAgain(t *testing.T) {
	d := withGotham()
	d.Hear("p", presenceOf(gotham(after(1), after(9))), noon)
	d.Confirmed("p", gotham(after(1), after(3)), noon) // its clock was set back
	if event, confirm := d.Hear("p", presenceOf(gotham(after(1), after(8))), noon); event != nil || confirm {
		t.Error("older news was taken")
	}
	if e, _ := d.Get("p"); e.Presence.Sent != after(9) {
		t.Errorf("last news of %v", e.Presence.Sent.Time())
	}
}

func TestAgreementIsOfOneIncarnationAndNeverOlder(t *testing.T) {
	d := withGotham()
	agreed := func() crdt.Stamp {
		e, _ := d.Get("p")
		return e.Agreed
	}
	d.Agree("p", after(0), after(5)) // a sync with the one before
	if agreed() != 0 {
		t.Error("an incarnation that is gone agreed")
	}
	d.Agree("p", after(1), after(7))
	d.Agree("p", after(1), after(6))
	if agreed() != after(7) {
		t.Errorf("agreed at %v", agreed().Time())
	}
	d.Confirmed("p", gotham(after(2), after(8)), noon)
	if agreed() != 0 {
		t.Error("a new incarnation inherited the agreement")
	}
}

func TestAFullDirectoryForgetsWhoIsGoneForLongest(t *testing.T) {
	d := NewDirectory()
	for i := range citiesMax {
		info := gotham(after(1), after(2))
		info.City = fmt.Sprintf("c%d", i)
		d.Confirmed(peer.ID(info.City), info, noon.Add(time.Duration(i)*time.Second))
	}
	for _, p := range []peer.ID{"c7", "c9"} {
		d.Judge(p, protocol.StatusFailed)
	}
	for i, forgotten := range []peer.ID{"c7", "c9", "c0"} {
		info := gotham(after(1), after(2))
		d.Confirmed(peer.ID(fmt.Sprintf("new%d", i)), info, noon.Add(time.Hour*24))
		if _, known := d.Get(forgotten); known || len(d.All()) != citiesMax {
			t.Errorf("%s is known: %t, of %d", forgotten, known, len(d.All()))
		}
	}
}

func TestAPeerUnderANewNameIsFoundAnew(t *testing.T) {
	d := withGotham()
	info := gotham(after(1), after(3))
	info.City = "metropolis"
	event := d.Confirmed("p", info, noon.Add(time.Hour))
	if event == nil || event.Before != "" || event.Restarted {
		t.Errorf("event %+v", event)
	}
	if len(d.Named("gotham")) != 0 || len(d.Named("metropolis")) != 1 {
		t.Error("it is still known under its old name")
	}
}

func TestOfANameTheLivingComeFirstThenSuspectsThenWhoWasKnownFirst(t *testing.T) {
	d := NewDirectory()
	for i, p := range []peer.ID{"dead", "first", "second"} {
		d.Confirmed(p, gotham(after(1), after(2)), noon.Add(time.Duration(i)*time.Second))
	}
	d.Judge("dead", protocol.StatusFailed)
	d.Judge("first", protocol.StatusSuspect)
	var got []peer.ID
	for _, e := range d.Named("gotham") {
		got = append(got, e.Peer)
	}
	if fmt.Sprint(got) != fmt.Sprint([]peer.ID{"second", "first", "dead"}) {
		t.Errorf("got %v", got)
	}
}

func TestASuspectIsAliveOrFailedAsDetectionSays(t *testing.T) {
	d := withGotham()
	for _, to := range []protocol.CityStatus{protocol.StatusSuspect, protocol.StatusAlive, protocol.StatusSuspect, protocol.StatusFailed} {
		if event := d.Judge("p", to); event == nil || event.Status != to || statusOf(t, d, "p") != to {
			t.Errorf("judged as %s: event %+v", to, event)
		}
		if event := d.Judge("p", to); event != nil {
			t.Errorf("told twice that it is %s", to)
		}
	}
	if event := d.Judge("unknown", protocol.StatusFailed); event != nil {
		t.Errorf("of one that is not known: %+v", event)
	}
}

func TestAnAnswerIsASignOfLifeAndShowsHowFarACityIs(t *testing.T) {
	d := withGotham()
	if status := d.NoteAnswer("p", noon.Add(time.Minute), 7*time.Millisecond); status != protocol.StatusAlive {
		t.Errorf("it is %s", status)
	}
	if e, _ := d.Get("p"); !e.Heard.Equal(noon.Add(time.Minute)) || e.RTT != 7*time.Millisecond {
		t.Errorf("heard at %v, %v away", e.Heard, e.RTT)
	}
	if status := d.NoteAnswer("unknown", noon, 0); status != "" {
		t.Errorf("one that is not known is %q", status)
	}
}

func TestAnAnswerInItsLastMomentsDoesNotUndoAGoodbye(t *testing.T) {
	for fact, row := range map[string]struct {
		info  protocol.InfoReply
		after time.Duration
		want  protocol.CityStatus
	}{
		"while it leaves":          {gotham(after(1), after(4)), LeavingFor / 2, protocol.StatusLeft},
		"long after it was to end": {gotham(after(1), after(4)), LeavingFor, protocol.StatusAlive},
		"once it is back":          {gotham(after(4), after(4)), 0, protocol.StatusAlive},
	} {
		d := withGotham()
		goodbye := presenceOf(gotham(after(1), after(3)))
		goodbye.Leaving = true
		d.Hear("p", goodbye, noon)
		d.Confirmed("p", row.info, noon.Add(row.after))
		if got := statusOf(t, d, "p"); got != row.want {
			t.Errorf("%s: %s, want %s", fact, got, row.want)
		}
	}
}

func TestAChangeOfStatusWakesWhoWaitsForOne(t *testing.T) {
	d := withGotham()
	woken := func(what string, wants bool, change func()) {
		t.Helper()
		changed := d.Changed()
		change()
		select {
		case <-changed:
			if !wants {
				t.Errorf("%s wakes", what)
			}
		default:
			if wants {
				t.Errorf("%s wakes nobody", what)
			}
		}
	}
	woken("later news", false, func() { d.Hear("p", presenceOf(gotham(after(1), after(3))), noon) })
	woken("a failure", true, func() { d.Judge("p", protocol.StatusFailed) })
	woken("a return", true, func() { d.Confirmed("p", gotham(after(1), after(4)), noon) })
	woken("a restart", true, func() { d.Confirmed("p", gotham(after(5), after(5)), noon) })
}

func TestWhoWaitsIsToldOfProblemsThatChange(t *testing.T) {
	d := withGotham()
	news := presenceOf(gotham(after(1), after(3)))
	for i, row := range []struct {
		problems []protocol.Problem
		told     bool
	}{
		{nil, false},
		{[]protocol.Problem{protocol.ProblemFull}, true},
		{[]protocol.Problem{protocol.ProblemFull}, false},
		{nil, true},
	} {
		changed := d.Changed()
		news.Sent = after(4 + i)
		news.Problems = row.problems
		d.Hear("p", news, noon)
		select {
		case <-changed:
			if !row.told {
				t.Errorf("row %d: told of nothing", i)
			}
		default:
			if row.told {
				t.Errorf("row %d: not told", i)
			}
		}
	}
}
