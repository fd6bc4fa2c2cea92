package antientropy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/internal/reconcile"
	"github.com/citynode/citynode/protocol"
)

// Respond answers the sessions of one stream of another peer, until the peer closes
// the stream or ctx is done. It closes or resets the stream. streams.Serve calls it, on a
// goroutine of its own for each stream.
func (a *AntiEntropy) Respond(ctx context.Context, s network.Stream) error {
	p := s.Conn().RemotePeer()
	if a.strikes.barred(p, time.Now()) {
		return errors.Join(fmt.Errorf("%s has violated the sync protocol", p), s.Reset())
	}
	// The reset ends a Receive that waits.
	defer context.AfterFunc(ctx, func() { _ = s.Reset() })()
	stream := NewStream(s)
	var session *reconcile.Responder
	for {
		in, err := stream.Receive(protocol.IdleTimeout)
		// A hello begins a session, with the incarnation that lives then. Anything else
		// goes on with the last one: an audit after it, or a fault that the session
		// names.
		if err == nil && (session == nil || in.Kind() == reconcile.KindHello) {
			session, err = a.newResponder()
		}
		if err == nil {
			err = a.answer(ctx, p, stream, session, in)
		}
		if errors.Is(err, io.EOF) {
			_ = s.Close()
			return nil
		}
		if err != nil {
			a.judge(p, err)
			return errors.Join(fmt.Errorf("answer a sync of %s: %w", p, err), s.Reset())
		}
	}
}

// newResponder returns a session that the present incarnation answers.
func (a *AntiEntropy) newResponder() (*reconcile.Responder, error) {
	replica, err := a.city.replica()
	if err != nil {
		return nil, err
	}
	return reconcile.NewResponder(replica), nil
}

// answer answers a session to its end, or an audit that follows one.
func (a *AntiEntropy) answer(ctx context.Context, p peer.ID, stream *Stream, session *reconcile.Responder, in reconcile.Message) error {
	// Only a session takes a place. A stream that is idle between two holds none.
	leave, ok := a.responders.enter(p)
	if !ok {
		return fmt.Errorf("%s has too many syncs at once", p)
	}
	// A request that waited for this peer can begin now.
	defer func() { leave(); a.requests.wake.Set() }()
	begun, start := time.Now(), a.cfg.Now()
	for {
		out, err := session.Step(ctx, in)
		for !out.IsZero() {
			// What comes beside an error tells the other side why; so it is sent first.
			if sendErr := stream.Send(out); sendErr != nil || err != nil {
				return errors.Join(err, sendErr)
			}
			out, err = session.Next(ctx)
		}
		if err != nil {
			return err
		}
		if session.Done() {
			a.completed(p, session.Result(), start, begun)
			return nil
		}
		if in, err = stream.Receive(StallTimeout); err == nil {
			err = checkPace(begun, session.Result())
		}
		if err != nil {
			return err
		}
	}
}
