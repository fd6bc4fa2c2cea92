package membership

import (
	"fmt"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"pgregory.net/rapid"

	"github.com/citynode/citynode/crdt"
)

// every is the interval of presences in these tests.
const every = 10 * time.Second

// An act is something that Agreements are told, at a second.
type act struct {
	at       float64
	held     int     // the own city holds that state from now on
	own      bool    // a new incarnation of the own city has begun
	told     int     // the other city says that it holds that state
	in       int     // in that incarnation of it
	sent     int     // by a presence with that stamp
	synced   int     // a sync is complete, in which it held that at first
	syncedIn float64 // and which took so long
}

func (x act) apply(a *Agreements) {
	now := second(x.at)
	switch {
	case x.own:
		a.Began(now)
	case x.held != 0:
		a.Held(state(x.held), now)
	case x.told != 0:
		a.Told("p", x.word(), now, every)
	case x.synced != 0:
		a.Synced("p", crdt.Stamp(x.in), state(x.synced), second(x.at-x.syncedIn))
	}
}

func (x act) word() Word {
	return Word{Incarnation: crdt.Stamp(x.in), Summary: state(x.told), Sent: crdt.Stamp(x.sent)}
}

func TestACityAgreesIfItsNewestWordIsProved(t *testing.T) {
	for _, row := range []struct {
		fact string
		acts []act
		at   float64
		want Verdict
	}{
		{"nothing was said", []act{{at: 0, held: 1}}, 1, Unknown},
		{"it holds the same", []act{{at: 0, held: 1}, {at: 10, told: 1}}, 10, Agrees},
		{"this city held it half a second before", []act{{at: 0, held: 1}, {at: 9.5, held: 2}, {at: 10, told: 1}}, 30, Agrees},
		{"this city held it until a second before", []act{{at: 0, held: 1}, {at: 9, held: 2}, {at: 10, told: 1}}, 16, Differs},
		{"this city holds it later", []act{{at: 0, held: 1}, {at: 10, told: 2}, {at: 20, held: 2}}, 20, Agrees},
		{"this city held it for a moment later", []act{{at: 0, held: 1}, {at: 10, told: 2}, {at: 11, held: 2}, {at: 11.1, held: 3}}, 29, Agrees},
		{"it holds something else, at first", []act{{at: 0, held: 1}, {at: 10, told: 2}}, 15, Unknown},
		{"it holds something else, after five seconds", []act{{at: 0, held: 1}, {at: 10, told: 2}}, 15.1, Differs},
		{"it agreed, and says something else", []act{{at: 0, held: 1}, {at: 1, told: 1}, {at: 10, told: 2}}, 15, Agrees},
		{"it differed, and says something else", []act{{at: 0, held: 1}, {at: 1, told: 2}, {at: 10, told: 3}}, 11, Differs},
		{"it says something else each second", []act{
			{at: 0, held: 1}, {at: 1, told: 1}, {at: 10, told: 2}, {at: 12, told: 3}, {at: 14, told: 4}, {at: 15, told: 5},
		}, 15.1, Differs},
		{"it agreed, and says nothing any more", []act{{at: 0, held: 1}, {at: 10, told: 1}}, 30.1, Unknown},
		{"it differed, and says nothing any more", []act{{at: 0, held: 1}, {at: 10, told: 2}}, 30.1, Unknown},
		{"it says something else after a silence", []act{{at: 0, held: 1}, {at: 10, told: 1}, {at: 50, told: 2}}, 51, Unknown},
		{"it says something else after a silence, for long", []act{{at: 0, held: 1}, {at: 10, told: 2}, {at: 50, told: 3}}, 55, Unknown},
		{"a sync that began after its word was complete", []act{{at: 0, held: 1}, {at: 10, told: 2}, {at: 12, synced: 3, syncedIn: 1}}, 16, Agrees},
		{"a sync that began with its word was complete", []act{{at: 0, held: 1}, {at: 10, told: 2}, {at: 12, synced: 3, syncedIn: 2}}, 16, Agrees},
		{"a sync that began before its word was complete", []act{{at: 0, held: 1}, {at: 10, told: 2}, {at: 12, synced: 3, syncedIn: 2.1}}, 16, Differs},
		{"a sync that was about its word was complete", []act{{at: 0, held: 1}, {at: 10, told: 2}, {at: 12, synced: 2, syncedIn: 2.1}}, 16, Agrees},
		{"it says something after the sync", []act{{at: 0, held: 1}, {at: 10, told: 2}, {at: 12, synced: 2, syncedIn: 1}, {at: 13, told: 3}}, 18.1, Differs},
		{"its former incarnation was synced with", []act{{at: 0, held: 1}, {at: 10, told: 2, in: 2}, {at: 12, synced: 2, in: 1, syncedIn: 1}}, 16, Differs},
		{"its former incarnation agreed", []act{{at: 0, held: 1}, {at: 1, told: 1, in: 1}, {at: 2, told: 2, in: 2}}, 3, Unknown},
		{"its presence comes twice", []act{{at: 0, held: 1}, {at: 10, told: 1, sent: 4}, {at: 25, told: 1, sent: 4}}, 31, Unknown},
		{"an older presence comes late", []act{{at: 0, held: 1}, {at: 10, told: 1, sent: 4}, {at: 11, told: 2, sent: 3}}, 17, Agrees},
		{"an older presence comes after an answer", []act{{at: 0, held: 1}, {at: 10, told: 2, sent: 4}, {at: 11, told: 1}, {at: 12, told: 2, sent: 4}}, 17, Agrees},
		{"this city has started anew", []act{{at: 0, held: 1}, {at: 10, told: 1}, {at: 11, own: true}, {at: 11, held: 2}}, 16, Unknown},
		{"this city has started anew, and lacks it for long", []act{{at: 0, held: 1}, {at: 10, told: 1}, {at: 11, own: true}, {at: 11, held: 2}}, 16.1, Differs},
		{"this city has started anew, and has it again", []act{
			{at: 0, held: 1}, {at: 10, told: 1}, {at: 11, own: true}, {at: 11, held: 2}, {at: 12, held: 1},
		}, 12, Agrees},
	} {
		a := NewAgreements()
		for _, x := range row.acts {
			x.apply(a)
		}
		if got := a.Look("p", second(row.at), every).Verdict; got != row.want {
			t.Errorf("%s: verdict %d, want %d", row.fact, got, row.want)
		}
	}
}

func TestAWordCountsForAMinuteAtMost(t *testing.T) {
	a := NewAgreements()
	a.Held(state(1), second(0))
	a.Told("p", act{told: 1}.word(), second(10), time.Hour)
	for at, want := range map[float64]Verdict{70: Agrees, 70.1: Unknown} {
		if got := a.Look("p", second(at), time.Hour).Verdict; got != want {
			t.Errorf("at second %v the verdict is %d, want %d", at, got, want)
		}
	}
}

// A city that changes fast forgets what it held before anybody asks whether a city agrees.
func TestAProofIsFoundBeforeTheHistoryForgetsIt(t *testing.T) {
	a := NewAgreements()
	a.Told("p", act{told: 1}.word(), second(0), every)
	a.Held(state(1), second(0.5))
	a.Examine()
	for n := range 2 * historyMax {
		a.Held(state(2+n), second(1))
	}
	if got := a.Look("p", second(6), every); got.Verdict != Agrees || got.Summary != state(1) || !got.Heard.Equal(second(0)) {
		t.Errorf("looked: %+v", got)
	}
}

func TestTheCitiesThatAreJudgedAreBounded(t *testing.T) {
	a := NewAgreements()
	a.Held(state(1), second(0))
	for n := range agreementsMax + 2 {
		a.Told(peer.ID(fmt.Sprint("peer ", n)), act{told: 1}.word(), second(1+float64(n)/1000), every)
	}
	if len(a.byPeer) != agreementsMax {
		t.Errorf("%d cities are judged", len(a.byPeer))
	}
	for n, want := range []Verdict{Unknown, Unknown, Agrees} {
		if got := a.Look(peer.ID(fmt.Sprint("peer ", n)), second(6), every).Verdict; got != want {
			t.Errorf("the verdict on number %d is %d, want %d", n, got, want)
		}
	}
}

// naive judges by what the rule says, from all that ever happened.
func naive(acts []act, now float64) Verdict {
	was, doubted, newest := Unknown, 0.0, -1
	silent := func(at float64) bool { return since(acts[newest].at, at) > 2*every }
	judge := func(at float64) Verdict {
		switch {
		case newest < 0 || silent(at):
			return Unknown
		case provedBy(acts, newest, at):
			return Agrees
		case since(doubted, at) > proofTakes:
			return Differs
		}
		return was
	}
	for i, x := range acts {
		switch {
		case x.own:
			was, doubted = Unknown, x.at
		case x.told == 0:
		case newest < 0 || acts[newest].in != x.in:
			was, doubted, newest = Unknown, x.at, i
		default:
			if was = judge(x.at); silent(x.at) || provedBy(acts, newest, x.at) {
				doubted = x.at
			}
			newest = i
		}
	}
	return judge(now)
}

// since returns how long after one second another one is.
func since(before, after float64) time.Duration { return second(after).Sub(second(before)) }

// provedBy reports whether a word was proved by then.
func provedBy(acts []act, word int, now float64) bool {
	w := acts[word]
	began, holds := 0.0, 0
	for _, x := range acts {
		if x.own && x.at <= now {
			began = x.at
		}
	}
	for i, x := range acts {
		switch {
		case x.at > now || x.at < began:
		case x.held != 0:
			if holds == w.told && since(w.at, x.at) > -wordTakes {
				return true
			}
			holds = x.held
		case x.synced != 0 && i > word && x.in == w.in:
			if since(w.at, x.at-x.syncedIn) >= 0 || x.synced == w.told {
				return true
			}
		}
	}
	return holds == w.told
}

func TestAgreementsJudgeByTheRuleAlone(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		a := NewAgreements()
		var acts []act
		tenths, held := 0, 0
		for n := range rapid.IntRange(1, 30).Draw(r, "acts") {
			tenths += rapid.IntRange(1, 80).Draw(r, "tenths")
			now := float64(tenths) / 10
			x := act{at: now}
			switch rapid.IntRange(0, 9).Draw(r, "kind") {
			case 0:
				x.own = true
			case 1, 2, 3:
				x.held = rapid.IntRange(1, 3).Draw(r, "held")
				if x.held == held {
					continue
				}
				held = x.held
			case 4:
				x.synced = rapid.IntRange(1, 3).Draw(r, "synced")
				x.in = rapid.IntRange(1, 2).Draw(r, "in")
				x.syncedIn = float64(rapid.IntRange(0, 40).Draw(r, "took")) / 10
			case 5:
				if got, want := a.Look("p", second(now), every).Verdict, naive(acts, now); got != want {
					r.Fatalf("after %+v the verdict is %d, want %d", acts, got, want)
				}
				continue
			default:
				x.told = rapid.IntRange(1, 3).Draw(r, "told")
				x.in = 1 + n/20
			}
			if x.own {
				held = 0
			}
			x.apply(a)
			acts = append(acts, x)
		}
		now := float64(tenths+rapid.IntRange(0, 250).Draw(r, "tenths")) / 10
		if got, want := a.Look("p", second(now), every).Verdict, naive(acts, now); got != want {
			r.Fatalf("after %+v, at %v, the verdict is %d, want %d", acts, now, got, want)
		}
	})
}

// The city's loop pays this for each write.
func BenchmarkWhatAWriteOfTheCityCosts(b *testing.B) {
	a, summary := NewAgreements(), state(0)
	for b.Loop() {
		summary.Heroes++
		a.Held(summary, time.Now())
	}
}
