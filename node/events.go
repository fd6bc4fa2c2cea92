package node

import (
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/antientropy"
	"github.com/citynode/citynode/internal/durable"
	"github.com/citynode/citynode/internal/membership"
)

// Events are callbacks for what happens in a node; any may be nil. They are
// called from the goroutine in which it happens, several at the same time, and
// must return at once: hand over what takes longer. Changed and Idle are called
// by the city's loop and must not call the node. Logs, the command line and
// tests subscribe here.
type Events struct {
	// Changed tells each change of the state, with its source.
	Changed func(city.SourcedChange)
	// Idle tells of a tick that found nothing to do, and why.
	Idle func(note string)
	// Started tells of a new, empty incarnation of the own city.
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
	// Unreachable tells that a bootstrap or saved peer cannot be dialed, once
	// a reason.
	Unreachable func(p peer.ID, err error)
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
type CityStatus = membership.Status

// The statuses of a city.
const (
	Alive  = membership.Alive
	Left   = membership.Left
	Failed = membership.Failed
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

// cityChanged tells of another city.
func (e *Events) cityChanged(news membership.Event) {
	if e.City != nil {
		e.City(CityEvent(news))
	}
}

// synced tells of a session that ended.
func (e *Events) synced(news antientropy.SyncEvent) {
	if e.Synced != nil {
		e.Synced(SyncEvent(news))
	}
}

// joining tells of a transfer.
func (e *Events) joining(p antientropy.Progress) {
	if e.Joining != nil {
		e.Joining(JoinProgress(p))
	}
}

// contested tells of another claim to the own name.
func (e *Events) contested(name string, other peer.ID) {
	if e.Contested != nil {
		e.Contested(name, other)
	}
}

// storeFault tells that the store has failed, or with nil that it works again.
func (e *Events) storeFault(err error) {
	if e.Store != nil {
		e.Store(StoreEvent{Err: err})
	}
}

// filled tells how much of the store has been read.
func (e *Events) filled(p durable.Progress) {
	if e.Filled != nil {
		e.Filled(FillProgress(p))
	}
}
