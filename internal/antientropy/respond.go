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

// errDeclined is matched by the error of a session that was answered unavailable.
var errDeclined = errors.New("answered unavailable")

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
		if err == nil {
			session, err = a.answerNext(ctx, p, stream, session, in)
		}
		switch {
		case err == nil:
		case errors.Is(err, io.EOF):
			_ = s.Close()
			return nil
		case errors.Is(err, errDeclined):
			stream.hangUp()
			a.judge(p, err)
			return fmt.Errorf("answer a sync of %s: %w", p, err)
		default:
			a.judge(p, err)
			return errors.Join(fmt.Errorf("answer a sync of %s: %w", p, err), s.Reset())
		}
	}
}

// answerNext answers a session that the message begins, or what follows the session
// before, and returns the session. A hello begins a session, with the incarnation that
// lives then. Anything else goes on with the last one: an audit after it, or a fault that
// the session names.
func (a *AntiEntropy) answerNext(ctx context.Context, p peer.ID, stream *Stream, session *reconcile.Responder, in reconcile.Message) (*reconcile.Responder, error) {
	if session == nil || in.Kind() == reconcile.KindHello {
		replica, err := a.city.replica(p, forOthers, a.brings(p))
		if err != nil {
			return nil, decline(stream, err)
		}
		session = reconcile.NewResponder(replica)
	}
	// Only a session takes a place. A stream that is idle between two holds none.
	leave, ok := a.responders.enter(p)
	if !ok {
		return nil, decline(stream, fmt.Errorf("%s has too many syncs at once", p))
	}
	// A request that waited for this peer can begin now.
	defer func() { leave(); a.requests.wake.Set() }()
	return session, a.answer(ctx, p, stream, session, in)
}

// decline answers unavailable, for a reason that is not the peer's fault.
func decline(stream *Stream, reason error) error {
	return errors.Join(fmt.Errorf("%w: %w", errDeclined, reason), stream.Send(reconcile.Unavailable()))
}

// answer answers a session to its end, or an audit that follows one.
func (a *AntiEntropy) answer(ctx context.Context, p peer.ID, stream *Stream, session *reconcile.Responder, in reconcile.Message) (err error) {
	fed := guest{intake: a.intake, peer: p}
	defer func() { fed.leave(failedToFeed(ctx, err)) }()
	begun, start := time.Now(), a.cfg.Now()
	for {
		out, err := a.step(ctx, p, session, in)
		for !out.IsZero() {
			if out.Kind() == reconcile.KindUnavailable {
				return decline(stream, err)
			}
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
		if !fed.admits(session) {
			session.Decline()
			return decline(stream, errWaits)
		}
		if in, err = stream.Receive(StallTimeout); err == nil {
			err = checkPace(begun, session.Result())
		}
		if err != nil {
			return err
		}
	}
}

// step takes a message of a session that the peer began. Where the peer was about to send
// its whole state, or much of what another city is sending, the peer is declined instead,
// and this node asks for what the peer has when nobody else sends. So one side alone
// decides who sends a whole state, and when.
func (a *AntiEntropy) step(ctx context.Context, p peer.ID, session *reconcile.Responder, in reconcile.Message) (reconcile.Message, error) {
	out, err := session.Step(ctx, in)
	if err == nil && in.Kind() == reconcile.KindHello {
		a.cfg.Hooks.Greeted(p, session.Result().Peer)
	}
	if err != nil || out.Kind() != reconcile.KindDiffer || !a.declines(p, session) {
		return out, err
	}
	a.requests.add(p, 0)
	return session.Decline(), errDeclined
}

// declines reports whether a session that a peer has just begun is to wait.
func (a *AntiEntropy) declines(p peer.ID, session *reconcile.Responder) bool {
	now := time.Now()
	if _, held := a.intake.held(now); held {
		return session.Ahead()
	}
	// A peer that was declined several times cannot be asked, it seems: better to be sent
	// too much by such a peer than to be left without.
	if !session.FarAhead() || a.intake.refusals.barred(p, now) {
		return false
	}
	a.intake.refusals.add(p, now)
	return true
}

// A guest is the turn of a peer that sends its whole state unasked.
type guest struct {
	intake *intake
	peer   peer.ID
	turn   *turn // nil until the session has sent much
}

// admits reports whether the session may go on. It fails where the peer sends much while
// another does.
func (g *guest) admits(session *reconcile.Responder) (ok bool) {
	if g.turn == nil && !session.Flooded() {
		return true
	}
	if g.turn == nil {
		if g.turn, ok = g.intake.take(g.peer, false, time.Now()); !ok {
			return false
		}
	}
	g.intake.note(g.turn, session.Result().EntriesIn)
	return true
}

// leave ends the turn, if there was one.
func (g *guest) leave(failed bool) {
	if g.turn != nil {
		g.intake.end(g.turn, failed, time.Now())
	}
}
