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
	// sampleSeats is how many saved peers are tried at short intervals. Eight at
	// random find a peer that is up within a redraw or two even where most of
	// the list is gone, and cost little where all of it is.
	sampleSeats = 8
	// vainSeat is how long a peer that does not answer keeps its seat.
	vainSeat = time.Minute
	// heldSeat is how long one that is connected keeps it. It bounds how many
	// connections the sample adds where enough peers are connected already.
	heldSeat = 10 * time.Minute
	// stableAfter is the age at which a connection counts as a success. One that
	// ends sooner was refused by the other side, and is retried like a failure.
	stableAfter = 10 * time.Second
	// dialsMax bounds all dials at once.
	dialsMax = bootstrapDialsMax + sampleSeats + lazyDialsMax
	// bootstrapDialsMax bounds the dials of bootstrap peers at once; those of the
	// sample are bounded by its seats, and those of all others by lazyDialsMax.
	// They are bounded apart, so that peers that are gone, and take the whole
	// dialTimeout, do not keep the others waiting.
	bootstrapDialsMax = 8
	lazyDialsMax      = 4
	// foundMax bounds the peers that are known by Found only: anybody on the
	// local network can announce any number.
	foundMax = 256
	// foundTriesMax is how often such a peer is tried before it is dropped, until
	// it is found again.
	foundTriesMax = 6
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

	// Why it is a target, and where each of the sources says that it is.
	named, met, found []ma.Multiaddr

	connected bool
	since     time.Time // of the present connection
	dialing   bool
	announced bool      // anew, while it was being dialed
	tried     time.Time // the last dial's start
	due       time.Time // no dial before this
	failures  int       // in a row
	cutShort  int       // connections in a row that did not last
	failure   *DialFailure
	told      map[DialReason]bool // since the last connection that lasted
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

// retry sets when the next dial is due, after a failure.
func (t *target) retry(now time.Time) {
	t.due = now.Add(retryPause(t.failures, t.class().retryMax()))
}

// addrs are all addresses known, the owner's first.
func (t *target) addrs() []ma.Multiaddr {
	all := slices.Clone(t.named)
	for _, addr := range slices.Concat(t.found, t.met) {
		if !slices.ContainsFunc(all, addr.Equal) {
			all = append(all, addr)
		}
	}
	return all
}

// A roster decides whom to dial when. It is plain state with one owner, the
// loop of the Redialer: it dials nobody, reads no clock and takes no lock.
type roster struct {
	self    peer.ID
	wanted  int
	targets map[peer.ID]*target
	dials   [classes]int // under way
}

func newRoster(self peer.ID, wanted int) *roster {
	return &roster{self: self, wanted: wanted, targets: make(map[peer.ID]*target)}
}

// setNamed replaces what the owner's lists say.
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

// setSaved replaces what earlier connections say.
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

// addFound takes a peer that has just announced itself. It is due soon, however
// often it failed before, but never more often than an urgent one.
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
	t.announced = t.dialing // that dial may end as if it had not been
	t.hasten()
}

// hasten makes the next dial due soon, but not sooner than an urgent one.
func (t *target) hasten() {
	if soon := t.tried.Add(urgentRetryMax); soon.Before(t.due) {
		t.due = soon
	}
}

func (r *roster) foundOnly() int {
	n := 0
	for _, t := range r.targets {
		if len(t.named) == 0 && len(t.met) == 0 {
			n++
		}
	}
	return n
}

// target finds or makes the target of a peer; none for the host itself.
func (r *roster) target(now time.Time, id peer.ID) *target {
	t := r.targets[id]
	if t == nil && id != r.self && id.Validate() == nil {
		t = &target{id: id, due: now}
		r.targets[id] = t
	}
	return t
}

// prune drops the targets that no source names any more.
func (r *roster) prune() {
	for id, t := range r.targets {
		if len(t.named) == 0 && len(t.met) == 0 && len(t.found) == 0 && !t.dialing {
			delete(r.targets, id)
		}
	}
}

// A transition is a target that was connected or lost, or that stands refused.
type transition struct {
	id        peer.ID
	connected bool
	refused   *DialFailure
}

// observe compares the targets with the host's connections, ordered by peer.
func (r *roster) observe(now time.Time, connected func(peer.ID) bool) []transition {
	var changes []transition
	for id, t := range r.targets {
		switch is := connected(id); {
		case is && !t.connected:
			t.connected, t.since = true, now
			if t.seated {
				t.seatUntil = now.Add(heldSeat)
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

// lost notes the end of the last connection: after one that lasted the first
// dial is due at once. It gives a failure to tell where a second one in a row
// was cut short.
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

// note keeps why the target cannot be reached, and gives it back where that has
// not been told. One cause can show in different ways in turn, so it is not
// enough to compare with the last.
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

// succeeded forgets all failures: a connection has lasted.
func (t *target) succeeded() {
	t.failures, t.cutShort, t.failure, t.told = 0, 0, nil, nil
}

// dialed notes the end of a dial, and gives a failure to tell.
func (r *roster) dialed(now time.Time, d dial) *DialFailure {
	r.dials[d.class]--
	t := r.targets[d.id]
	t.dialing = false
	defer r.prune()
	if d.err == nil {
		t.announced = false
		return nil
	}
	t.failures++
	if t.failures >= foundTriesMax {
		t.found = nil
	}
	t.retry(now)
	if t.announced {
		t.hasten()
	}
	t.announced = false
	return t.note(ExplainDial(d.err, d.addrs))
}

// A dial is one attempt, from the roster to a goroutine and back.
type dial struct {
	id    peer.ID
	addrs []ma.Multiaddr
	class class
	err   error
}

// next gives the dials to start now and when to ask again; a zero time says not
// before something happens. connected is the number of the host's peers.
func (r *roster) next(now time.Time, connected int) (start []dial, wake time.Time) {
	r.seat(now)
	waiting := r.waiting(connected)
	for _, t := range waiting {
		class := t.class()
		if r.dials[class] == dialsAtOnce[class] {
			continue // the end of a dial wakes the loop
		}
		if t.due.After(now) {
			wake = sooner(wake, t.due)
			continue
		}
		r.dials[class]++
		t.dialing, t.tried = true, now
		start = append(start, dial{id: t.id, addrs: t.addrs(), class: class})
	}
	return start, sooner(wake, r.nextSeatEnd())
}

// waiting gives the targets that could be dialed, the longest due first.
func (r *roster) waiting(connected int) []*target {
	var waiting []*target
	for _, t := range r.targets {
		if !t.connected && !t.dialing && (t.class() != classLazy || connected < r.wanted) {
			waiting = append(waiting, t)
		}
	}
	slices.SortFunc(waiting, func(a, b *target) int {
		return cmp.Or(a.due.Compare(b.due), cmp.Compare(a.id, b.id))
	})
	return waiting
}

// seat clears the seats of the sample whose time is over and fills what is
// free with saved peers that are not connected, at random.
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

// takeSeat makes a target urgent; what is left of its long pause is cut.
func (t *target) takeSeat(now time.Time) {
	t.seated, t.seatUntil = true, now.Add(vainSeat)
	if soon := now.Add(retryPause(t.failures, urgentRetryMax)); t.failures > 0 && soon.Before(t.due) {
		t.due = soon
	}
}

func (r *roster) nextSeatEnd() (end time.Time) {
	for _, t := range r.targets {
		if t.seated {
			end = sooner(end, t.seatUntil)
		}
	}
	return end
}

// status counts, and lists what stands against those not connected.
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

// sooner gives the earlier of two times, where a zero time is never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
