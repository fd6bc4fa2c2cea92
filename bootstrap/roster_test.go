package bootstrap

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// A rosterSim plays hosts and clock to a roster: every dial ends after dialTook,
// and succeeds where the peer is up.
type rosterSim struct {
	t      *testing.T
	roster *roster
	now    time.Time
	up     map[peer.ID]bool
	joined map[peer.ID]bool
	others int // connected peers that are no targets

	ending map[time.Time][]dial
	tries  map[peer.ID][]time.Time
	atOnce [classes]int
	most   [classes]int
	told   []DialFailure
}

// dialTook is what a dial to nobody takes in a rosterSim.
const dialTook = 5 * time.Second

func newRosterSim(t *testing.T, wanted int) *rosterSim {
	return &rosterSim{
		t: t, roster: newRoster(peerID(t), wanted), now: time.Unix(1_800_000_000, 0),
		up: make(map[peer.ID]bool), joined: make(map[peer.ID]bool),
		ending: make(map[time.Time][]dial), tries: make(map[peer.ID][]time.Time),
	}
}

// run passes time, from one event to the next.
func (s *rosterSim) run(d time.Duration) {
	s.t.Helper()
	end := s.now.Add(d)
	for {
		wake := s.step()
		for at := range s.ending {
			wake = sooner(wake, at)
		}
		if wake.IsZero() || wake.After(end) {
			s.now = end
			return
		}
		s.now = wake
	}
}

// step does what the loop of the Redialer does each time round.
func (s *rosterSim) step() (wake time.Time) {
	s.t.Helper()
	for _, d := range s.ending[s.now] {
		s.end(d)
	}
	delete(s.ending, s.now)
	for _, c := range s.roster.observe(s.now, func(id peer.ID) bool { return s.joined[id] }) {
		if c.refused != nil {
			s.told = append(s.told, *c.refused)
		}
	}
	dials, wake := s.roster.next(s.now, len(s.joined)+s.others)
	if !wake.IsZero() && !wake.After(s.now) {
		s.t.Fatalf("woken for %v at %v", wake, s.now)
	}
	for _, d := range dials {
		s.begin(d)
	}
	return wake
}

func (s *rosterSim) begin(d dial) {
	s.tries[d.id] = append(s.tries[d.id], s.now)
	s.atOnce[d.class]++
	s.most[d.class] = max(s.most[d.class], s.atOnce[d.class])
	took := dialTook
	if s.up[d.id] {
		took = 100 * time.Millisecond
	}
	s.ending[s.now.Add(took)] = append(s.ending[s.now.Add(took)], d)
}

func (s *rosterSim) end(d dial) {
	s.atOnce[d.class]--
	if s.up[d.id] {
		s.joined[d.id] = true
	} else {
		d.err = context.DeadlineExceeded
	}
	if f := s.roster.dialed(s.now, d); f != nil {
		s.told = append(s.told, *f)
	}
}

// pauses returns the longest time between the starts of two dials since a time.
func (s *rosterSim) longestPause(id peer.ID, since time.Time) (longest time.Duration) {
	last := since
	for _, at := range append(s.tries[id], s.now) {
		if at.After(since) {
			longest, last = max(longest, at.Sub(last)), at
		}
	}
	return longest
}

func peerID(t testing.TB) peer.ID {
	t.Helper()
	_, public, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id, err := peer.IDFromPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// infos makes peers with an address each.
func infos(t testing.TB, count int) []peer.AddrInfo {
	var all []peer.AddrInfo
	for i := range count {
		addr := ma.StringCast(fmt.Sprintf("/ip4/192.0.2.1/tcp/%d", i+1))
		all = append(all, peer.AddrInfo{ID: peerID(t), Addrs: []ma.Multiaddr{addr}})
	}
	return all
}

func TestBootstrapPeersAreTriedEachFewSecondsForEver(t *testing.T) {
	s := newRosterSim(t, wantedDefault)
	named := infos(t, 3)
	s.roster.setNamed(s.now, named)
	s.roster.setSaved(s.now, infos(t, savedMax)) // gone, all of them
	s.run(20 * time.Minute)
	for _, info := range named {
		if got, most := s.longestPause(info.ID, s.now.Add(-15*time.Minute)), dialTook+urgentRetryMax+100*time.Millisecond; got > most {
			t.Errorf("a pause of %v, want at most %v", got, most)
		}
	}
}

func TestDialsAtOnceAreBounded(t *testing.T) {
	s := newRosterSim(t, wantedDefault)
	s.roster.setNamed(s.now, infos(t, 50))
	s.roster.setSaved(s.now, infos(t, savedMax))
	s.run(10 * time.Minute)
	if s.most != dialsAtOnce {
		t.Errorf("at most %v dials at once, want %v", s.most, dialsAtOnce)
	}
}

func TestEverySavedPeerIsTriedInTheEnd(t *testing.T) {
	s := newRosterSim(t, wantedDefault)
	saved := infos(t, savedMax)
	s.roster.setSaved(s.now, saved)
	s.run(15 * time.Minute)
	for _, info := range saved {
		if len(s.tries[info.ID]) < 2 {
			t.Fatalf("tried %d times in 15 minutes", len(s.tries[info.ID]))
		}
	}
}

func TestWithEnoughPeersOnlyTheSampleIsTried(t *testing.T) {
	s := newRosterSim(t, wantedDefault)
	s.others = wantedDefault
	saved := infos(t, 100)
	s.roster.setSaved(s.now, saved)
	s.run(30 * time.Second)
	if len(s.tries) != sampleSeats {
		t.Errorf("%d peers tried within one draw, want %d", len(s.tries), sampleSeats)
	}
	s.run(30 * time.Minute)
	if len(s.tries) < 3*sampleSeats {
		t.Errorf("%d peers tried in half an hour: the sample does not change", len(s.tries))
	}
	if s.most[classLazy] != 0 {
		t.Errorf("%d others tried", s.most[classLazy])
	}
}

func TestASavedPeerIsTriedHourlyHoweverManyAreConnectedAndHoweverOldItIs(t *testing.T) {
	s := newRosterSim(t, wantedDefault)
	s.others = 10 * wantedDefault
	saved := infos(t, savedMax)
	begin := s.now
	s.roster.setSaved(s.now, saved)
	s.run(3 * time.Hour)
	for _, info := range saved {
		if got := s.longestPause(info.ID, begin); got > time.Hour {
			t.Fatalf("not tried for %v", got)
		}
	}
	if s.most[classLazy] > lazyDialsMax {
		t.Errorf("%d at once", s.most[classLazy])
	}
	last := saved[savedMax-1].ID
	s.up[last] = true
	s.run(time.Hour)
	if !s.joined[last] {
		t.Error("one that is up again is not connected")
	}
}

func TestWithEnoughPeersTheSampleAddsFew(t *testing.T) {
	s := newRosterSim(t, wantedDefault)
	s.others = wantedDefault
	for _, info := range infos(t, 200) {
		s.up[info.ID] = true
		s.roster.target(s.now, info.ID).met = info.Addrs
	}
	s.run(connectedSeat - time.Minute)
	if len(s.joined) != sampleSeats {
		t.Errorf("%d connected, want the sample's %d", len(s.joined), sampleSeats)
	}
}

func TestALostPeerIsDueAtOnceAndOneThatRefusesIsNot(t *testing.T) {
	s := newRosterSim(t, wantedDefault)
	named := infos(t, 1)
	id := named[0].ID
	s.roster.setNamed(s.now, named)
	s.up[id] = true
	s.run(stableAfter + time.Second)
	delete(s.joined, id)
	s.run(200 * time.Millisecond)
	if n := len(s.tries[id]); n != 2 || !s.joined[id] {
		t.Fatalf("%d dials, want the second at once", n)
	}

	begin := s.now
	for range 1200 { // a minute in which the other side ends each connection at once
		delete(s.joined, id)
		s.run(50 * time.Millisecond)
	}
	if n := len(s.tries[id]); n > 40 {
		t.Errorf("%d dials in a minute to a peer that refuses", n)
	}
	if got := s.longestPause(id, begin); got > urgentRetryMax+time.Second {
		t.Errorf("a pause of %v", got)
	}
	if len(s.told) != 1 || s.told[0].Reason != Rejected {
		t.Errorf("told %v", s.told)
	}
}

func TestEachReasonOfFailureIsToldOnce(t *testing.T) {
	r := newRoster(peerID(t), wantedDefault)
	now := time.Unix(1_800_000_000, 0)
	named := infos(t, 1)
	r.setNamed(now, named)
	var told []DialReason
	for _, err := range []error{context.DeadlineExceeded, context.DeadlineExceeded, errors.New("odd"), errors.New("odder"), context.DeadlineExceeded} {
		now = now.Add(time.Minute)
		dials, _ := r.next(now, 0)
		if len(dials) != 1 {
			t.Fatalf("%d dials", len(dials))
		}
		dials[0].err = err
		if f := r.dialed(now, dials[0]); f != nil {
			told = append(told, f.Reason)
		}
	}
	if want := "[timed_out failed]"; fmt.Sprint(told) != want {
		t.Errorf("told %v, want %s", told, want)
	}
}

func TestTheHostItselfIsNoTarget(t *testing.T) {
	r := newRoster(peerID(t), wantedDefault)
	self := infos(t, 1)
	self[0].ID = r.self
	r.setNamed(time.Time{}, self)
	r.setSaved(time.Time{}, self)
	r.addFound(time.Time{}, self[0])
	if len(r.targets) != 0 {
		t.Errorf("targets %v", r.targets)
	}
}

func TestPeersFoundAreBoundedAndDroppedWhenTheyDoNotAnswer(t *testing.T) {
	s := newRosterSim(t, wantedDefault)
	for _, info := range infos(t, 2*foundMax) {
		s.roster.addFound(s.now, info)
	}
	if n := len(s.roster.targets); n != foundMax {
		t.Errorf("%d targets, want %d", n, foundMax)
	}
	s.run(2 * time.Hour)
	if n := len(s.roster.targets); n != 0 {
		t.Errorf("%d targets left", n)
	}
}

func TestAPeerFoundAgainIsDueSoon(t *testing.T) {
	s := newRosterSim(t, wantedDefault)
	found, saved := infos(t, 1)[0], infos(t, 20)
	s.roster.setSaved(s.now, append(saved, found))
	s.run(30 * time.Minute)
	before := len(s.tries[found.ID])
	s.roster.addFound(s.now, found)
	s.run(dialTook + urgentRetryMax + 30*time.Second)
	if len(s.tries[found.ID]) == before {
		t.Error("not tried")
	}
}

func TestATargetGoesWithItsLastSource(t *testing.T) {
	r := newRoster(peerID(t), wantedDefault)
	now := time.Unix(1_800_000_000, 0)
	list := infos(t, 2)
	r.setNamed(now, list)
	r.setSaved(now, list[1:])
	dials, _ := r.next(now, 0)
	r.setNamed(now, nil)
	if len(r.targets) != 2 {
		t.Errorf("%d targets, want also the one that is being dialed", len(r.targets))
	}
	for _, d := range dials {
		d.err = context.Canceled
		r.dialed(now, d)
	}
	if len(r.targets) != 1 || r.targets[list[1].ID] == nil {
		t.Errorf("targets %v", r.targets)
	}
}
