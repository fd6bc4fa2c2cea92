package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/internal/reconcile"
	"github.com/citynode/citynode/protocol"
)

const (
	// sessionGrace is how long a session may last whatever it moves; beyond it
	// has to have moved sessionPace entries a second. A peer that trickles would
	// hold one of a few places for ever.
	sessionGrace = time.Minute
	sessionPace  = 1000
)

// errTooSlow ends a session that trickles.
var errTooSlow = errors.New("the session is too slow")

// checkPace fails for a session that has taken too long for what it moved.
func checkPace(begun time.Time, r reconcile.Result) error {
	allowed := sessionGrace + time.Duration(r.EntriesIn+r.EntriesOut)*time.Second/sessionPace
	if time.Since(begun) > allowed {
		return errTooSlow
	}
	return nil
}

// auditOneIn is how many sessions with equal summaries there are for one that
// audits a sample of the state.
const auditOneIn = 64

// syncWith runs one session with a peer, to its end. The result is complete if
// the error is nil.
func (a *antiEntropy) syncWith(ctx context.Context, p peer.ID) (reconcile.Result, error) {
	inc, err := a.node.city.Current()
	if err != nil {
		return reconcile.Result{}, err
	}
	if a.strikes.barred(p, time.Now()) {
		return reconcile.Result{}, fmt.Errorf("sync with %s: it has violated the protocol", p)
	}
	for moved := false; ; {
		stream, used, err := a.streams.take(ctx, p)
		if err != nil {
			return reconcile.Result{}, err
		}
		result, err := a.initiate(ctx, p, stream, inc)
		switch {
		case err == nil || ctx.Err() != nil:
			return result, err
		case used && stream.received == 0: // the other side has given the idle stream up meanwhile
		case !moved && superseded(a.node.host, stream.Conn()):
			moved = true
		default:
			return result, err
		}
	}
}

// initiate runs a session on a stream, and keeps the stream if it went well.
func (a *antiEntropy) initiate(ctx context.Context, p peer.ID, stream *syncStream, inc *city.Incarnation) (reconcile.Result, error) {
	stopped := context.AfterFunc(ctx, func() { _ = stream.Reset() })
	defer stopped()
	options := a.memory.options(p, inc.Number())
	options.Salt = rand.Uint64()
	if rand.IntN(auditOneIn) == 0 {
		options.Audit = rand.Uint64()
	}
	session := reconcile.NewInitiator(a.replica(inc), options)
	err := a.drive(ctx, p, stream, session)
	result := session.Result()
	a.memory.ended(p, inc.Number(), session.Bookmark(), result, a.node.now())
	if err != nil {
		_ = stream.Reset()
		a.judge(p, err)
		return result, fmt.Errorf("sync with %s: %w", p, err)
	}
	if stopped() {
		a.streams.idle.put(p, stream)
	}
	return result, nil
}

// drive sends and receives until the session has ended.
func (a *antiEntropy) drive(ctx context.Context, p peer.ID, stream *syncStream, session *reconcile.Initiator) error {
	begun := time.Now()
	out, err := session.Begin(ctx)
	for {
		for err == nil && !out.IsZero() {
			if err = stream.send(out); err == nil {
				out, err = session.Next(ctx)
			}
		}
		if err != nil || session.Done() {
			return err
		}
		var in reconcile.Message
		if in, err = stream.receive(syncStall); err != nil {
			return err
		}
		if out, err = session.Step(ctx, in); err == nil {
			a.joining.note(p, session.Result())
			err = checkPace(begun, session.Result())
		}
	}
}

// respond answers the sessions of one stream.
func (a *antiEntropy) respond(ctx context.Context, s network.Stream) error {
	p := s.Conn().RemotePeer()
	if a.strikes.barred(p, time.Now()) {
		return errors.Join(fmt.Errorf("%s has violated the sync protocol", p), s.Reset())
	}
	defer context.AfterFunc(ctx, func() { _ = s.Reset() })()
	stream := newSyncStream(s)
	var session *reconcile.Responder
	for {
		in, err := stream.receive(protocol.IdleTimeout)
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

// newResponder is a session to be answered by the present incarnation.
func (a *antiEntropy) newResponder() (*reconcile.Responder, error) {
	inc, err := a.node.city.Current()
	if err != nil {
		return nil, err
	}
	return reconcile.NewResponder(a.replica(inc)), nil
}

// answer answers a session to its end, or an audit that follows one.
func (a *antiEntropy) answer(ctx context.Context, p peer.ID, stream *syncStream, session *reconcile.Responder, in reconcile.Message) error {
	leave, ok := a.responders.enter(p)
	if !ok {
		return fmt.Errorf("%s has too many syncs at once", p)
	}
	defer func() { leave(); poke(a.wishes.wake) }()
	begun, start := time.Now(), a.node.now()
	for {
		out, err := session.Step(ctx, in)
		for !out.IsZero() {
			if sendErr := stream.send(out); sendErr != nil || err != nil {
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
		if in, err = stream.receive(syncStall); err == nil {
			err = checkPace(begun, session.Result())
		}
		if err != nil {
			return err
		}
	}
}

// judge holds against a peer what no correct program does.
func (a *antiEntropy) judge(p peer.ID, err error) {
	if errors.Is(err, reconcile.ErrProtocol) {
		a.node.log.Warn("peer violated the sync protocol", "peer", p, "err", err)
		a.strikes.add(p, time.Now())
	}
}

func (a *antiEntropy) replica(inc *city.Incarnation) replica {
	return replica{inc: inc, now: a.node.now, audits: a.audits, latest: &a.latest}
}
