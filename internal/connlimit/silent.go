package connlimit

import (
	"container/list"
	"net/netip"
	"time"
)

const (
	// SilenceMax is for how long a connection may say nothing before its handshake is
	// over. An honest side sends with the first packet or, on a slow line that loses
	// some, within a second or two.
	SilenceMax = 3 * time.Second
	// youngFor spares a silent connection that may have said something already: of a
	// burst that is accepted at once nobody has been read yet.
	youngFor = 500 * time.Millisecond
)

// A silent connection is one whose other side has not said anything yet.
type silent struct {
	host  netip.Prefix
	since time.Time
	end   func()        // closes it
	at    *list.Element // nil once it has spoken or ended
}

// silents are the connections that are silent. It is plain state: door guards it.
type silents struct {
	shares Shares
	byHost map[netip.Prefix]*list.List // of *silent, the oldest first; never empty
	count  int
}

// add takes in one more, and returns the one that has to make room for it, or nil. ok is
// false where there is no room and nobody who could make any: then s was not added.
func (a *silents) add(s *silent) (evicted *silent, ok bool) {
	of := a.byHost[s.host]
	crowded := of != nil && of.Len() >= a.shares.SilentPerHost/2
	switch {
	case crowded:
		evicted = oldest(of, s.since)
	case a.count >= a.shares.Silent:
		evicted = oldest(a.largest(), s.since)
	}
	if evicted != nil {
		a.remove(evicted)
	} else if crowded && of.Len() >= a.shares.SilentPerHost || a.count >= a.shares.Silent {
		return nil, false
	}
	if of = a.byHost[s.host]; of == nil {
		of = list.New()
		a.byHost[s.host] = of
	}
	s.at = of.PushBack(s)
	a.count++
	return evicted, true
}

// remove forgets one, if it is there still.
func (a *silents) remove(s *silent) {
	if s.at == nil {
		return
	}
	of := a.byHost[s.host]
	of.Remove(s.at)
	s.at = nil
	a.count--
	if of.Len() == 0 {
		delete(a.byHost, s.host)
	}
}

// largest returns those of the address that has most. There are some.
func (a *silents) largest() (most *list.List) {
	for _, of := range a.byHost {
		if most == nil || of.Len() > most.Len() {
			most = of
		}
	}
	return most
}

// oldest returns the one that has been silent for longest, or nil if that is young.
func oldest(of *list.List, now time.Time) *silent {
	if s := of.Front().Value.(*silent); now.Sub(s.since) >= youngFor {
		return s
	}
	return nil
}
