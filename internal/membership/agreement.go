package membership

import (
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/crdt"
)

const (
	// wordTakes is how long ago the own city may have held what a word shows when the word
	// arrives: a word that is on its way is as old as the delay of the network, and the
	// own city may have moved on meanwhile.
	wordTakes = time.Second
	// proofTakes is how long a word may stay without a proof before it says that the other
	// city differs. The sync that such a word begins has mostly ended by then. It counts
	// from the first of the words that came since one was proved: otherwise a city that
	// says something else each second would never be seen to differ.
	proofTakes = 5 * time.Second
	// wordIntervals is for how many intervals of presence a word says anything, and
	// wordMax for how long at most, where many cities have stretched the interval.
	wordIntervals = 2
	wordMax       = time.Minute
	// agreementsMax bounds the cities that are judged: all that the directory may hold,
	// and all that are known by hearsay.
	agreementsMax = citiesMax + hearsayMax
)

// A Verdict is what can be said of whether another city holds what the own city holds.
type Verdict uint8

// The verdicts.
const (
	Unknown Verdict = iota // there is no word of the city that is new enough
	Agrees                 // its newest word is proved
	Differs                // its newest word has not been proved in five seconds
)

// Bool returns the verdict as the wire has it: nil where it is not known.
func (v Verdict) Bool() *bool {
	if v == Unknown {
		return nil
	}
	agrees := v == Agrees
	return &agrees
}

// An Opinion is what is known of another city's state.
type Opinion struct {
	Verdict Verdict
	// Summary is the newest that the city said it held, and Heard when that word arrived,
	// by the clock that runs in this process; zero where there was no word yet.
	Summary crdt.Summary
	Heard   time.Time
}

// A Word is what a city said of itself: by a presence, by its answer to info, or at the
// beginning of a sync.
type Word struct {
	Incarnation crdt.Stamp
	Summary     crdt.Summary
	// Sent is the stamp of a presence, which may come late and twice. It is 0 for what the
	// city said on a connection of its own.
	Sent crdt.Stamp
}

// Agreements judge which cities hold what the own city holds. A word of another city is
// proved where the own city itself held what the word shows, at some moment from a second
// before the word arrived until now, or where a sync that began after the word arrived was
// complete. Plain equality with the last word would not do: cities that change all the
// time are hardly ever equal to what they said some seconds ago.
//
// The times that the methods are given are of the clock that runs in this process
// (time.Now); jumps of the wall clock do not matter. The methods are safe for concurrent
// use. The city's loop calls Held, so no lock is held for longer than a look at the
// history takes.
type Agreements struct {
	mu     sync.Mutex // guards own, byPeer
	own    history
	byPeer map[peer.ID]*standing
}

// A standing is how another city's newest word stands.
type standing struct {
	word     Word
	sent     crdt.Stamp // of its last presence in this incarnation
	at       time.Time  // when the word arrived
	was      Verdict    // until the first of the words came that have no proof
	doubted  time.Time  // when that one came
	proved   bool
	examined uint64 // the spans of the own history with smaller numbers were looked at
}

// NewAgreements returns agreements that know of no city.
func NewAgreements() *Agreements { return &Agreements{byPeer: make(map[peer.ID]*standing)} }

// Began notes that a new incarnation of the own city began, which holds what Held says
// next. What the one before held proves nothing any more, and nobody is judged by it.
func (a *Agreements) Began(now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.own.forget()
	for _, s := range a.byPeer {
		s.was, s.proved, s.doubted = Unknown, false, now
	}
}

// Held notes that the own city holds another state from now on.
func (a *Agreements) Held(summary crdt.Summary, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.own.begin(summary, now)
}

// Told notes a word that arrived now, where cities send a presence each interval. It
// reports whether it is news: a presence that comes late or twice is not.
func (a *Agreements) Told(p peer.ID, w Word, now time.Time, interval time.Duration) (news bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	next := &standing{word: w, at: now, doubted: now, sent: w.Sent}
	s, known := a.byPeer[p]
	switch {
	case known && s.word.Incarnation == w.Incarnation:
		if w.Sent != 0 && w.Sent <= s.sent {
			return false
		}
		next.sent = max(s.sent, w.Sent)
		if next.was = a.verdict(s, now, interval); !s.proved && !s.isOver(now, interval) {
			next.doubted = s.doubted
		}
	case !known:
		a.makeRoom()
	}
	a.byPeer[p] = next
	a.examine(next)
	return true
}

// Synced notes a complete sync with an incarnation of the city, which began at that time
// and in which the city held that at first. It proves a word that arrived before the sync
// began, and one that shows what the sync was about.
func (a *Agreements) Synced(p peer.ID, incarnation crdt.Stamp, held crdt.Summary, began time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s, known := a.byPeer[p]
	if known && s.word.Incarnation == incarnation && (!s.at.After(began) || s.word.Summary == held) {
		s.proved = true
	}
}

// Look returns what is known now of a city's state, where cities send a presence each
// interval.
func (a *Agreements) Look(p peer.ID, now time.Time, interval time.Duration) Opinion {
	a.mu.Lock()
	defer a.mu.Unlock()
	s, known := a.byPeer[p]
	if !known {
		return Opinion{}
	}
	return Opinion{Verdict: a.verdict(s, now, interval), Summary: s.word.Summary, Heard: s.at}
}

// Examine looks for proofs of all words. Call it once a second: the history may have
// forgotten later what proves a word now.
func (a *Agreements) Examine() {
	for _, p := range a.unproved() {
		a.examineOne(p)
	}
}

// unproved returns the cities whose newest word has no proof.
func (a *Agreements) unproved() (some []peer.ID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for p, s := range a.byPeer {
		if !s.proved {
			some = append(some, p)
		}
	}
	return some
}

// examineOne takes the lock for one city alone, so that the own city's loop does not wait
// for a look at thousands.
func (a *Agreements) examineOne(p peer.ID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if s, known := a.byPeer[p]; known {
		a.examine(s)
	}
}

// examine looks for a proof of a word in the part of the history that came since it was
// looked for last. The span that held then is looked at again by nobody: it either proved
// the word or never will. Callers hold mu.
func (a *Agreements) examine(s *standing) {
	if !s.proved && a.own.had(s.word.Summary, s.at.Add(-wordTakes), s.examined) {
		s.proved = true
	}
	s.examined = a.own.next
}

// isOver reports whether the word is too old to say anything.
func (s *standing) isOver(now time.Time, interval time.Duration) bool {
	return now.Sub(s.at) > min(wordIntervals*interval, wordMax)
}

// verdict judges a city; callers hold mu.
func (a *Agreements) verdict(s *standing, now time.Time, interval time.Duration) Verdict {
	a.examine(s)
	switch {
	case s.isOver(now, interval):
		return Unknown
	case s.proved:
		return Agrees
	case now.Sub(s.doubted) > proofTakes:
		return Differs
	}
	return s.was
}

// makeRoom drops the city with the oldest word where there are too many; callers hold mu.
func (a *Agreements) makeRoom() {
	if len(a.byPeer) < agreementsMax {
		return
	}
	all := make([]peer.ID, 0, len(a.byPeer))
	for p := range a.byPeer {
		all = append(all, p)
	}
	slices.Sort(all)
	delete(a.byPeer, slices.MinFunc(all, func(x, y peer.ID) int { return a.byPeer[x].at.Compare(a.byPeer[y].at) }))
}
