package node

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/reconcile"
	"github.com/citynode/citynode/protocol"
)

// syncStall is how long a session may go without progress.
const syncStall = 5 * time.Second

// replica is one incarnation of the city as a session sees it.
type replica struct {
	inc *city.Incarnation
	now func() crdt.Stamp
}

func (r replica) Hello(ctx context.Context) (reconcile.Hello, error) {
	summary, err := r.inc.Summary(ctx)
	return reconcile.Hello{Incarnation: r.inc.Number(), Summary: summary, Now: r.now()}, err
}

func (r replica) Page(ctx context.Context, at crdt.Cursor) (crdt.Entries, crdt.Cursor, bool, error) {
	page, err := r.inc.Page(ctx, at)
	return page.Entries, page.Next, page.More, err
}

func (r replica) Merge(ctx context.Context, e crdt.Entries) (reconcile.Merged, error) {
	reply, err := r.inc.Do(ctx, city.Update{Entries: e, Source: city.SourceSync})
	return reconcile.Merged{Changed: reply.Changed, Skipped: reply.Skipped}, err
}

// exchange is a sync stream, message by message. Each one must make progress
// within syncStall.
type exchange struct {
	stream network.Stream
	in     *bufio.Reader
}

func newExchange(s network.Stream) exchange {
	return exchange{stream: s, in: bufio.NewReader(s)}
}

func (x exchange) send(m reconcile.Message) error {
	payload, err := m.Encode()
	if err != nil {
		return err
	}
	_ = x.stream.SetWriteDeadline(time.Now().Add(syncStall)) // simulated streams have none
	return protocol.WriteFrame(x.stream, payload)
}

func (x exchange) receive() (reconcile.Message, error) {
	_ = x.stream.SetReadDeadline(time.Now().Add(syncStall)) // simulated streams have none
	payload, err := protocol.ReadFrame(x.in, reconcile.MessageBytesMax)
	if err != nil {
		return reconcile.Message{}, err
	}
	return reconcile.Decode(payload)
}

// syncWith runs one session with a peer, to its end. The result is complete if
// the error is nil.
func (a *antiEntropy) syncWith(ctx context.Context, p peer.ID) (reconcile.Result, error) {
	inc, err := a.node.city.Current()
	if err != nil {
		return reconcile.Result{}, err
	}
	dialing, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	stream, err := a.node.host.NewStream(dialing, p, a.node.syncID)
	if err != nil {
		return reconcile.Result{}, fmt.Errorf("sync with %s: %w", p, err)
	}
	defer context.AfterFunc(ctx, func() { _ = stream.Reset() })()
	session := reconcile.NewInitiator(replica{inc: inc, now: a.node.now})
	err = initiate(ctx, newExchange(stream), session)
	if err != nil {
		_ = stream.Reset()
		return session.Result(), fmt.Errorf("sync with %s: %w", p, err)
	}
	_ = stream.Close() // the other side may have closed first; the session is complete all the same
	return session.Result(), nil
}

func initiate(ctx context.Context, x exchange, session *reconcile.Initiator) error {
	out, err := session.Begin(ctx)
	for done := false; err == nil; {
		if err := x.send(out); err != nil {
			return err
		}
		in, err := x.receive()
		if err != nil {
			return err
		}
		out, done, err = session.Step(ctx, in)
		if done || err != nil {
			return err
		}
	}
	return err
}

// respond answers the sessions of one stream.
func (a *antiEntropy) respond(ctx context.Context, s network.Stream) error {
	p := s.Conn().RemotePeer()
	leave, ok := a.responders.enter(p)
	if !ok {
		return errors.Join(fmt.Errorf("%s has too many syncs at once", p), s.Reset())
	}
	defer leave()
	defer context.AfterFunc(ctx, func() { _ = s.Reset() })()
	begun := time.Now()
	inc, err := a.node.city.Current()
	if err != nil {
		return errors.Join(err, s.Reset())
	}
	start := a.node.now()
	session := reconcile.NewResponder(replica{inc: inc, now: a.node.now})
	if err := answer(ctx, newExchange(s), session); err != nil {
		return errors.Join(fmt.Errorf("answer a sync of %s: %w", p, err), s.Reset())
	}
	if result := session.Result(); result.Complete {
		a.completed(p, result, start, time.Since(begun))
	}
	_ = s.Close()
	return nil
}

func answer(ctx context.Context, x exchange, session *reconcile.Responder) error {
	for {
		in, err := x.receive()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		out, done, stepErr := session.Step(ctx, in)
		if !out.IsZero() {
			if err := x.send(out); err != nil {
				return errors.Join(stepErr, err)
			}
		}
		if done || stepErr != nil {
			return stepErr
		}
	}
}
