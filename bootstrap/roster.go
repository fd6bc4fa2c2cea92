package bootstrap

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

const (
	// sampleSeats is how many saved peers are dialed at short intervals. Eight at
	// random find a peer that is up within a redraw or two even if most of the list
	// is gone, and cost little if all of it is.
	sampleSeats = 8
	// unansweredSeat is how long a peer that does not answer keeps its seat.
	unansweredSeat = time.Minute
	// connectedSeat is how long a peer that is connected keeps its seat. It bounds
	// how many connections the sample adds when enough peers are connected already.
	connectedSeat = 10 * time.Minute
	// stableAfter is the age at which a connection counts as a success. If it ends
	// sooner, the other side has refused it, and it counts as a failure.
	stableAfter = 10 * time.Second
	// savedRestMax is how long a saved peer may go without a dial, however many peers are
	// connected: two sites that were cut off for days, each large enough for itself, must
	// find each other. It is so much less than an hour that the whole list, with
	// lazyDialsMax at once and dialTimeout each, is dialed within the hour.
	savedRestMax = 45 * time.Minute
	// dialsMax bounds all dials at once.
	dialsMax = bootstrapDialsMax + sampleSeats + lazyDialsMax
	// bootstrapDialsMax bounds the dials of bootstrap peers at once, lazyDialsMax
	// those of peers that are neither bootstrap peers nor in the sample. Each class
	// has its own bound, because a dial of a peer that is gone takes the whole
	// dialTimeout and would keep the other classes waiting.
	bootstrapDialsMax = 8
	lazyDialsMax      = 4
	// foundMax bounds the peers that are known by Found only, because anybody on the
	// local network can announce any number of peers.
	foundMax = 256
	// foundTriesMax is how often such a peer is dialed before it is dropped until it
	// is found again.
	foundTriesMax = 6
	// hastenEvery is the least time between two times that all targets are made due.
	hastenEvery  = 2 * time.Second
	hastenSpread = 250 * time.Millisecond
	// dialFresh is how old a dial may be whose next packet comes soon.
	dialFresh = 500 * time.Millisecond
)

// A class of targets has its own pace and its own bound on dials.
type class int

const (
	classBootstrap class = iota // the owner asked for them
	classSample                 // the saved peers that have a seat
	classLazy                   // all others
	classes
)

// dialsAtOnce bounds the dials of each class.
var dialsAtOnce = [classes]int{bootstrapDialsMax, sampleSeats, lazyDialsMax}

// retryMax caps the pause between dials of one target.
func (c class) retryMax() time.Duration {
	if c == classLazy {
		return lazyRetryMax
	}
	return urgentRetryMax
}

// A target is one peer to keep connected.
type target struct {
	id peer.ID

	// The addresses from each source: the owner's lists, earlier connections, and
	// Found. A target has at least one.
	named, met, found []ma.Multiaddr

	connected bool
	since     time.Time // of the present connection
	dialing   bool
	refound   bool      // by Found, while it was being dialed
	again     bool      // its present dial is ended, to dial anew
	tried     time.Time // the last dial's start; before the first, when the target was made
	due       time.Time // no dial before this
	failures  int       // in a row
	cutShort  int       // connections in a row that did not last
	failure   *DialFailure
	told      map[DialReason]bool // the reasons told since the last connection that lasted
	seated    bool                // in the sample
	seatUntil time.Time           // a seat ends then
}

func (t *target) class() class {
	switch {
	case len(t.named) > 0:
		return classBootstrap
	case t.seated:
		return classSample
	}
	return classLazy
}

// retry sets when the next dial is due after a failure.
func (t *target) retry(now time.Time) {
	t.due = now.Add(retryPause(t.failures, t.class().retryMax()))
}

// addrs returns all known addresses, those of the owner's lists first.
func (t *target) addrs() []ma.Multiaddr {
	all := slices.Clone(t.named)
	for _, addr := range slices.Concat(t.found, t.met) {
		if !slices.ContainsFunc(all, addr.Equal) {
			all = append(all, addr)
		}
	}
	return all
}

// A roster decides which peers to dial, and when. It is plain state that the loop
// of the Redialer owns: it dials nobody, reads no clock and takes no lock.
type roster struct {
	self    peer.ID
	wanted  int
	targets map[peer.ID]*target
	dials   [classes]int // under way

	hastened time.Time // the last time that all were to be dialed soon
}

func newRoster(self peer.ID, wanted int) *roster {
	return &roster{self: self, wanted: wanted, targets: make(map[peer.ID]*target)}
}

// setNamed replaces the peers of the owner's lists. A peer that is also known from
// elsewhere stays, with what is known of its dials.
func (r *roster) setNamed(now time.Time, infos []peer.AddrInfo) {
	for _, t := range r.targets {
		t.named = nil
	}
	for _, info := range infos {
		if t := r.target(now, info.ID); t != nil {
			t.named = info.Addrs
		}
	}
	r.prune()
}

// setSaved replaces the peers of earlier connections.
func (r *roster) setSaved(now time.Time, infos []peer.AddrInfo) {
	for _, t := range r.targets {
		t.met = nil
	}
	for _, info := range infos {
		if t := r.target(now, info.ID); t != nil {
			t.met = info.Addrs
		}
	}
	r.prune()
}

// addFound adds a peer that has just announced itself. Its next dial is due soon,
// however often earlier dials failed, but not sooner than that of an urgent peer.
func (r *roster) addFound(now time.Time, info peer.AddrInfo) {
	addrs := savableAddrs(info)
	if len(addrs) == 0 || r.targets[info.ID] == nil && r.foundOnly() >= foundMax {
		return
	}
	t := r.target(now, info.ID)
	if t == nil {
		return
	}
	t.found = addrs
	t.refound = t.dialing // if this dial fails, its failure is older than the news
	t.hasten()
}

// hasten makes the next dial due as soon as that of an urgent peer.
func (t *target) hasten() {
	if soon := t.tried.Add(urgentRetryMax); soon.Before(t.due) {
		t.due = soon
	}
}

// hasten makes the next dial of all that are not connected due, at moments within
// hastenSpread, so that a network that heals does not dial as one. It returns those whose
// present dial is to be ended, since it began too long before.
func (r *roster) hasten(now time.Time) (stale []peer.ID) {
	if now.Sub(r.hastened) < hastenEvery {
		return nil
	}
	r.hastened = now
	for id, t := range r.targets {
		if soon := now.Add(rand.N(hastenSpread)); !t.connected && soon.Before(t.due) {
			t.due = soon
		}
		if t.dialing && now.Sub(t.tried) > dialFresh {
			t.again = true
			stale = append(stale, id)
		}
	}
	return stale
}

// foundOnly returns the number of peers that are known by Found only.
func (r *roster) foundOnly() int {
	n := 0
	for _, t := range r.targets {
		if len(t.named) == 0 && len(t.met) == 0 {
			n++
		}
	}
	return n
}

// target returns the target of a peer and makes it if there is none. It returns nil
// for the host itself.
func (r *roster) target(now time.Time, id peer.ID) *target {
	t := r.targets[id]
	if t == nil && id != r.self && id.Validate() == nil {
		t = &target{id: id, due: now, tried: now}
		r.targets[id] = t
	}
	return t
}

// prune drops the targets that no source names any more, but for those that are being
// dialed. A dial that ends looks its target up, which must be there still; dialed
// prunes once more.
func (r *roster) prune() {
	for id, t := range r.targets {
		if len(t.named) == 0 && len(t.met) == 0 && len(t.found) == 0 && !t.dialing {
			delete(r.targets, id)
		}
	}
}

// A transition says that a target has been connected, lost or refused.
type transition struct {
	id        peer.ID
	connected bool
	refused   *DialFailure
}

// observe compares the targets with the host's connections. It returns the changes
// in the order of peer IDs.
func (r *roster) observe(now time.Time, connected func(peer.ID) bool) []transition {
	var changes []transition
	for id, t := range r.targets {
		switch is := connected(id); {
		case is && !t.connected:
			t.connected, t.since = true, now
			if t.seated {
				t.seatUntil = now.Add(connectedSeat)
			}
			changes = append(changes, transition{id: id, connected: true})
		case !is && t.connected:
			changes = append(changes, transition{id: id, refused: t.lost(now)})
		case is && now.Sub(t.since) >= stableAfter:
			t.succeeded()
		}
	}
	slices.SortFunc(changes, func(a, b transition) int { return cmp.Compare(a.id, b.id) })
	return changes
}

// lost notes the end of a target's last connection. If the connection lasted, the
// next dial is due at once. If it did not, and neither did the one before, lost
// returns a failure to tell.
func (t *target) lost(now time.Time) *DialFailure {
	t.connected = false
	if now.Sub(t.since) >= stableAfter {
		t.succeeded()
		t.due = now
		return nil
	}
	t.failures++
	t.cutShort++
	t.retry(now)
	if t.cutShort < 2 {
		return nil
	}
	return t.note(Rejected, errCutShort)
}

// note records why the target cannot be reached, and returns the failure if its
// reason has not been told. One cause can show as several reasons in turn, so note
// compares with all reasons told and not only with the last.
func (t *target) note(reason DialReason, err error) *DialFailure {
	t.failure = &DialFailure{Peer: t.id, Addrs: t.addrs(), Bootstrap: t.class() == classBootstrap, Reason: reason, Err: err}
	if t.told[reason] {
		return nil
	}
	if t.told == nil {
		t.told = make(map[DialReason]bool)
	}
	t.told[reason] = true
	return t.failure
}

// succeeded forgets all failures, because a connection has lasted.
func (t *target) succeeded() {
	t.failures, t.cutShort, t.failure, t.told = 0, 0, nil, nil
}

// foreign notes why a connected peer is of no use, and returns a failure to tell, or nil.
// Whom nobody has named as a bootstrap peer may be of what network it likes.
func (r *roster) foreign(id peer.ID, err error) *DialFailure {
	t, ok := r.targets[id]
	if !ok || t.class() != classBootstrap {
		return nil
	}
	return t.note(WrongNetwork, err)
}

// dialed notes the end of a dial and returns a failure to tell, or nil.
func (r *roster) dialed(now time.Time, d dial) *DialFailure {
	r.dials[d.class]--
	t := r.targets[d.id]
	t.dialing = false
	defer r.prune()
	again := t.again
	t.again = false
	if d.err == nil {
		t.refound = false
		return nil
	}
	if again {
		t.due = now
		return nil
	}
	t.failures++
	if t.failures >= foundTriesMax {
		// Nobody but a stranger has named this address, and it does not answer. A
		// target with no other source goes with it.
		t.found = nil
	}
	t.retry(now)
	if t.refound {
		t.hasten()
	}
	t.refound = false
	return t.note(ExplainDial(d.err, d.addrs))
}

// A dial is one attempt, from the roster to a goroutine and back.
type dial struct {
	id    peer.ID
	addrs []ma.Multiaddr
	class class
	err   error
}

// next returns the dials to start now, and when to call next again: a zero time
// means not before something happens. connected is the number of the host's peers.
func (r *roster) next(now time.Time, connected int) (start []dial, wake time.Time) {
	r.seat(now)
	waiting := r.waiting(connected)
	for _, t := range waiting {
		class := t.class()
		if r.dials[class] == dialsAtOnce[class] {
			continue // the end of a dial wakes the loop
		}
		if due := r.dueOf(t, connected); due.After(now) {
			wake = sooner(wake, due)
			continue
		}
		r.dials[class]++
		t.dialing, t.tried = true, now
		start = append(start, dial{id: t.id, addrs: t.addrs(), class: class})
	}
	return start, sooner(wake, r.nextSeatEnd())
}

// waiting returns the targets that may be dialed, the longest due first.
func (r *roster) waiting(connected int) []*target {
	var waiting []*target
	for _, t := range r.targets {
		if !t.connected && !t.dialing && (r.wants(t, connected) || len(t.met) > 0) {
			waiting = append(waiting, t)
		}
	}
	slices.SortFunc(waiting, func(a, b *target) int {
		return cmp.Or(r.dueOf(a, connected).Compare(r.dueOf(b, connected)), cmp.Compare(a.id, b.id))
	})
	return waiting
}

// wants reports whether a target is to be connected while so many peers are.
func (r *roster) wants(t *target, connected int) bool {
	return t.class() != classLazy || connected < r.wanted
}

// dueOf returns when a target may be dialed. One that is not wanted now has a rest first.
func (r *roster) dueOf(t *target, connected int) time.Time {
	if rested := t.tried.Add(savedRestMax); !r.wants(t, connected) && rested.After(t.due) {
		return rested
	}
	return t.due
}

// seat frees the seats of the sample whose time is over, and fills free seats with
// saved peers that are not connected, at random.
func (r *roster) seat(now time.Time) {
	var free []*target
	seated := 0
	for _, t := range r.targets {
		if t.seated && (!now.Before(t.seatUntil) || len(t.named) > 0 || len(t.met) == 0) {
			t.seated = false
		}
		switch {
		case t.seated:
			seated++
		case !t.connected && len(t.named) == 0 && len(t.met) > 0:
			free = append(free, t)
		}
	}
	slices.SortFunc(free, func(a, b *target) int { return cmp.Compare(a.id, b.id) })
	for ; seated < sampleSeats && len(free) > 0; seated++ {
		i := rand.IntN(len(free))
		free[i].takeSeat(now)
		free = slices.Delete(free, i, i+1)
	}
}

// takeSeat gives a target a seat and shortens its pause to that of an urgent peer. Some
// pause stays after failures: seats change hands each minute, and a new seat alone is
// no reason to dial.
func (t *target) takeSeat(now time.Time) {
	t.seated, t.seatUntil = true, now.Add(unansweredSeat)
	if soon := now.Add(retryPause(t.failures, urgentRetryMax)); t.failures > 0 && soon.Before(t.due) {
		t.due = soon
	}
}

// nextSeatEnd returns when the next seat ends.
func (r *roster) nextSeatEnd() (end time.Time) {
	for _, t := range r.targets {
		if t.seated {
			end = sooner(end, t.seatUntil)
		}
	}
	return end
}

// status returns the numbers of targets, and why some are not connected.
func (r *roster) status() RedialStatus {
	s := RedialStatus{Known: len(r.targets)}
	for _, t := range r.targets {
		switch {
		case t.connected:
			s.Connected++
		case t.failure != nil:
			s.Failures = append(s.Failures, *t.failure)
		}
	}
	slices.SortFunc(s.Failures, func(a, b DialFailure) int { return cmp.Compare(a.Peer, b.Peer) })
	return s
}

// sooner returns the earlier of two times. A zero time means never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
