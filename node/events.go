package node

import (
	"fmt"
	"runtime/debug"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/bootstrap"
	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/antientropy"
	"github.com/citynode/citynode/internal/durable"
	"github.com/citynode/citynode/internal/membership"
	"github.com/citynode/citynode/protocol"
)

// Events are callbacks for what happens in a node; any may be nil. They are
// called from the goroutine in which it happens, several at the same time, and
// must return at once: hand over what takes longer. Changed and Idle are called
// by the city's loop and must not call the node. None may wait for the node's end, as
// Close does. A panic in a callback is the
// program's and ends the program: it is not taken for a crash of the city, which
// would cost the city its state.
type Events struct {
	// Changed tells each change of the state, with its source. Of one hero each
	// change is newer than the one before, within an incarnation; Started begins
	// anew with what the store holds.
	Changed func(city.SourcedChange)
	// Idle tells of a tick that found nothing to do, and why.
	Idle func(note string)
	// Started tells of a new incarnation of the own city. It is empty but for what the
	// city's store holds, which it has read.
	Started func(incarnation crdt.Stamp)
	// Crashed tells that a part of the node crashed and what with; the
	// supervisor restarts it.
	Crashed func(part string, err error)
	// Opened tells that the city, after a start, knows what its neighbours
	// know, or that it has none.
	Opened func(alone bool)
	// City tells that another city was found, or changed its status or its
	// incarnation.
	City func(CityEvent)
	// Synced tells of each round of anti-entropy that ended, by our doing or
	// the other side's.
	Synced func(SyncEvent)
	// Joining tells now and then how far the transfer of another city's whole
	// state has come.
	Joining func(JoinProgress)
	// Filled tells now and then how much of the store has been read, and when
	// all has been.
	Filled func(FillProgress)
	// Store tells that the store has failed, or that it works again.
	Store func(StoreEvent)
	// Contested tells that another peer claims this city's name.
	Contested func(name string, other peer.ID)
	// Problem tells that something is wrong with this city or another, once, and once
	// that it is over: all that Status.Problems has.
	Problem func(ProblemEvent)
	// Unreachable tells that a bootstrap or saved peer cannot be dialed, once
	// a reason.
	Unreachable func(p peer.ID, err error)

	// call runs a callback. nil: a panic in it ends the program. Tests that need a
	// part to crash have it crash in a callback.
	call func(callback func())
}

// CityEvent is news of another city.
type CityEvent struct {
	Name   string
	Peer   peer.ID
	Status CityStatus
	// Before is the status until now; "" for a city just found.
	Before CityStatus
	// Restarted says that the incarnation is a new one.
	Restarted bool
}

// SyncEvent is the end of one round of anti-entropy.
type SyncEvent struct {
	City string
	Peer peer.ID
	// Differed counts the entries that one side lacked, Skipped the heroes
	// left out for their future stamps.
	Differed, Skipped uint64
	Took              time.Duration
	Err               error
}

// FillProgress is how much of the store has been read at a start.
type FillProgress struct {
	// Records are entries and remembered answers.
	Records int
	// Done is that these are all.
	Done bool
}

// StoreEvent is that the store has failed, or that it works again.
type StoreEvent struct {
	// Err is why it does not work; nil: it does.
	Err error
}

// CityStatus is what the directory thinks of a city.
type CityStatus = protocol.CityStatus

// The statuses of a city.
const (
	Alive   = protocol.StatusAlive
	Suspect = protocol.StatusSuspect
	Failed  = protocol.StatusFailed
	Left    = protocol.StatusLeft
	// Relayed is a city whose presences others pass on, and which cannot be asked from here.
	Relayed = protocol.StatusRelayed
)

// JoinProgress is how far the transfer of another city's whole state has come.
type JoinProgress struct {
	City string
	Peer peer.ID
	// Entries have come, of about Of.
	Entries, Of uint64
}

// joinProgress returns the progress as Events and Status tell it; nil for nil.
func joinProgress(p *antientropy.Progress) *JoinProgress {
	if p == nil {
		return nil
	}
	j := JoinProgress(*p)
	return &j
}

// tell runs a callback with its news. A panic in the callback is the program's: it is
// thrown again where no supervisor catches it. This goroutine waits for the program's
// end, so that the caller does not go on as if the callback had returned.
func (e *Events) tell(callback func()) {
	if e.call != nil {
		e.call(callback)
		return
	}
	defer func() {
		if v := recover(); v != nil {
			stack := debug.Stack()
			go func() { panic(fmt.Sprintf("a callback of node.Events panicked: %v\n\n%s", v, stack)) }()
			select {} // the program ends
		}
	}()
	callback()
}

// changed tells what a message to the city made happen, in the city's loop. Where there is
// a store, own writes are in it by then.
func (e *Events) changed(fx *city.Effects) {
	if e.Changed != nil && len(fx.Changes) > 0 {
		e.tell(func() {
			for change := range fx.All() {
				e.Changed(change)
			}
		})
	}
	if e.Idle != nil && fx.Note != "" {
		e.tell(func() { e.Idle(fx.Note) })
	}
}

// started tells of a new incarnation.
func (e *Events) started(incarnation crdt.Stamp) {
	if e.Started != nil {
		e.tell(func() { e.Started(incarnation) })
	}
}

// crashed tells of a part that crashed.
func (e *Events) crashed(part string, err error) {
	if e.Crashed != nil {
		e.tell(func() { e.Crashed(part, err) })
	}
}

// opened tells that the city answers for what it does not know.
func (e *Events) opened(alone bool) {
	if e.Opened != nil {
		e.tell(func() { e.Opened(alone) })
	}
}

// cityChanged tells of another city.
func (e *Events) cityChanged(news membership.Event) {
	if e.City != nil {
		e.tell(func() { e.City(CityEvent(news)) })
	}
}

// synced tells of a session that ended.
func (e *Events) synced(news antientropy.SyncEvent) {
	if e.Synced != nil {
		e.tell(func() { e.Synced(SyncEvent(news)) })
	}
}

// joining tells of the transfer of a whole state.
func (e *Events) joining(p antientropy.Progress) {
	if e.Joining != nil {
		e.tell(func() { e.Joining(JoinProgress(p)) })
	}
}

// filled tells how much of the store has been read.
func (e *Events) filled(p durable.Progress) {
	if e.Filled != nil {
		e.tell(func() { e.Filled(FillProgress(p)) })
	}
}

// storeFault tells that the store has failed, or with nil that it works again.
func (e *Events) storeFault(err error) {
	if e.Store != nil {
		e.tell(func() { e.Store(StoreEvent{Err: err}) })
	}
}

// contested tells of another claim to the own name.
func (e *Events) contested(name string, other peer.ID) {
	if e.Contested != nil {
		e.tell(func() { e.Contested(name, other) })
	}
}

// problem tells of what is wrong with a city.
func (e *Events) problem(news ProblemEvent) {
	if e.Problem != nil {
		e.tell(func() { e.Problem(news) })
	}
}

// dialFailed tells of a bootstrap peer that cannot be dialed.
func (e *Events) dialFailed(f bootstrap.DialFailure) {
	if e.Unreachable != nil && f.Bootstrap {
		e.tell(func() { e.Unreachable(f.Peer, f.Err) })
	}
}
