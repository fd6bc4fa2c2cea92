package dispatch

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/protocol"
)

// attempts are those of one call to a city that is looked up. Once a peer may have the
// request, no other is given it: two peers that hold one name would carry it out twice.
type attempts struct {
	link  *Link
	do    func(*protocol.Client) error
	sent  atomic.Pointer[peer.ID] // who may have the request; nil: nobody
	moved bool                    // the city was looked for again, for another one answered
}

func (a *attempts) sentTo() peer.ID {
	if p := a.sent.Load(); p != nil {
		return *p
	}
	return ""
}

// once makes an attempt, and another where the peer turns out to be a wrong city: once a
// call, for two lookups that lead to a wrong city are an answer.
func (a *attempts) once(ctx context.Context) error {
	err := a.try(ctx)
	if !a.moved && errors.Is(err, protocol.ErrWrongCity) {
		a.moved = true
		a.link.lose()
		return a.try(ctx)
	}
	return err
}

func (a *attempts) try(ctx context.Context) error {
	client, at, err := a.link.openAt(ctx)
	if err != nil {
		return err
	}
	if before := a.sentTo(); before != "" && before != at {
		return &SilentError{City: a.link.city, Sent: true}
	}
	a.sent.Store(&at)
	err = a.do(client)
	if errors.Is(err, protocol.ErrWrongCity) || errors.Is(err, protocol.ErrBusy) { // it was not carried out
		a.sent.Store(nil)
	}
	return err
}
