package antientropy

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/internal/loglimit"
	"github.com/citynode/citynode/internal/reconcile"
	"github.com/citynode/citynode/internal/streams"
)

const (
	// SessionGrace is how long a session may last whatever it moves. A session that
	// lasts longer must have moved sessionPace entries a second: a peer that trickles
	// would hold one of a few places for ever. 1,000 entries take some 100 KB, less
	// than a tenth of what a line of 10 Mbit/s carries in a second.
	SessionGrace = time.Minute
	sessionPace  = 1000
)

// ErrTooSlow ends a session that trickles.
var ErrTooSlow = errors.New("the session is too slow")

// errWaits ends a session in which the peer was about to send much while another city
// sends its whole state.
var errWaits = errors.New("another city's whole state is coming")

// checkPace fails for a session that has taken too long for what it moved.
func checkPace(begun time.Time, r reconcile.Result) error {
	allowed := SessionGrace + time.Duration(r.EntriesIn+r.EntriesOut)*time.Second/sessionPace
	if time.Since(begun) > allowed {
		return ErrTooSlow
	}
	return nil
}

// initiateWith runs one session with a peer, to its end. The result is complete if
// the error is nil.
func (a *AntiEntropy) initiateWith(ctx context.Context, p peer.ID) (reconcile.Result, error) {
	replica, err := a.city.replica(p, forOwn, a.brings(p))
	if err != nil {
		return reconcile.Result{}, err
	}
	if a.strikes.barred(p, time.Now()) {
		return reconcile.Result{}, fmt.Errorf("sync with %s: it has violated the protocol", p)
	}
	// Tried again where the fault was an idle stream or a connection that another has
	// taken over. It ends: each peer has one idle stream at most, and moved is set
	// once.
	for moved := false; ; {
		stream, used, err := a.streams.take(ctx, p)
		if err != nil {
			return reconcile.Result{}, err
		}
		result, err := a.initiate(ctx, p, stream, replica)
		switch {
		case err == nil || ctx.Err() != nil:
			return result, err
		case used && stream.received == 0: // the other side has given the idle stream up meanwhile
		case !moved && streams.Superseded(a.cfg.Host, stream.Conn(), err):
			moved = true
		default:
			return result, err
		}
	}
}

// initiate runs a session on a stream, and keeps the stream if it went well.
func (a *AntiEntropy) initiate(ctx context.Context, p peer.ID, stream *Stream, replica replica) (reconcile.Result, error) {
	stopped := context.AfterFunc(ctx, func() { _ = stream.Reset() })
	defer stopped()
	number := replica.inc.Number()
	options := a.memory.options(p, number)
	// Drawn anew for each session, so that nobody can make entries beforehand that an
	// audit takes for equal.
	options.Salt = newSalt()
	begun := time.Now()
	a.leftOut.options(&options, p, number, begun)
	if own, err := a.city.summary(ctx); err == nil {
		options.Audit, options.AuditParts = a.audits.draw(begun, own), AuditParts
	}
	session := reconcile.NewInitiator(replica, options)
	if options.Audit != 0 { // also where a callback panics, or no session would ever audit again
		defer func() { a.audits.ended(time.Now(), time.Since(begun), session.Result()) }()
	}
	err := a.drive(ctx, p, stream, session)
	result := session.Result()
	// Also after an error: how far a transfer came is what the next session goes on
	// from.
	a.memory.ended(p, number, session.Bookmark(), result, a.cfg.Now())
	a.leftOut.ended(p, number, result, time.Now())
	if err != nil {
		if errors.Is(err, errWaits) {
			_ = stream.Close() // the other side has done nothing wrong; it may have closed first
		} else {
			_ = stream.Reset()
		}
		a.judge(p, err)
		return result, fmt.Errorf("sync with %s: %w", p, err)
	}
	if stopped() { // and so the stream has not been reset
		a.streams.idle.Put(p, stream)
	}
	return result, nil
}

// newSalt draws the salt of an audit.
func newSalt() uint64 { return rand.Uint64() }

// drive sends and receives until the session has ended.
func (a *AntiEntropy) drive(ctx context.Context, p peer.ID, stream *Stream, session *reconcile.Initiator) (err error) {
	begun, first := time.Now(), true
	var fed *turn
	defer func() {
		if fed != nil {
			a.intake.end(fed, failedToFeed(ctx, err), time.Now())
		}
	}()
	out, err := session.Begin(ctx)
	for {
		for err == nil && !out.IsZero() {
			if fed == nil {
				fed, err = a.admit(p, out)
			}
			if err == nil {
				err = stream.Send(out)
			}
			if err == nil {
				out, err = session.Next(ctx)
			}
		}
		if err != nil || session.Done() {
			return err
		}
		var in reconcile.Message
		if in, err = stream.Receive(StallTimeout); err != nil {
			return err
		}
		if out, err = session.Step(ctx, in); err == nil {
			if first {
				a.cfg.Hooks.Greeted(p, session.Result().Peer)
			}
			first = false
			a.moved(p, fed, session.Result())
			err = checkPace(begun, session.Result())
		}
	}
}

// failedToFeed reports whether a session that sent a whole state ended for a reason that is
// the sender's: the city was not sated, and nobody ended the session here.
func failedToFeed(ctx context.Context, err error) bool {
	return err != nil && ctx.Err() == nil && !errors.Is(err, reconcile.ErrSated)
}

// admit fails with errWaits for a message that asks for much while another city has its
// turn. Before the peer is asked for its whole state it gets a turn, which is returned.
func (a *AntiEntropy) admit(p peer.ID, out reconcile.Message) (*turn, error) {
	now := time.Now()
	if out.Kind() == reconcile.KindPull {
		if fed, ok := a.intake.take(p, true, now); ok {
			return fed, nil
		}
		return nil, errWaits
	}
	if _, held := a.intake.held(now); held && out.AsksMuch() {
		return nil, errWaits
	}
	return nil, nil
}

// moved notes how far a session has come that this node began. fed is its turn, or nil.
func (a *AntiEntropy) moved(p peer.ID, fed *turn, r reconcile.Result) {
	a.progress.note(p, r)
	if fed != nil {
		a.intake.note(fed, r.EntriesIn)
	}
}

// judge notes who brings more than the city takes of a stranger, and holds against a peer
// what no correct program does. That a stream broke or was slow is not among it: a network
// does that too.
func (a *AntiEntropy) judge(p peer.ID, err error) {
	if errors.Is(err, reconcile.ErrSated) {
		a.standing.sated(p, time.Now())
	}
	if errors.Is(err, reconcile.ErrProtocol) {
		a.log.Warn("peer violated the sync protocol", loglimit.By("peer", p.String()), "err", err)
		a.strikes.add(p, time.Now())
	}
}
