package membership

import (
	"context"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/protocol"
)

// ConfirmTimeout bounds one question, dialing included.
const ConfirmTimeout = 5 * time.Second

// An identifier asks one peer who it is.
type identifier interface {
	// Identify returns the peer's own answer.
	Identify(ctx context.Context, p peer.ID) (protocol.InfoReply, error)
	// unanswered notes that a peer did not answer, and why.
	unanswered(p peer.ID, err error)
	// known reports whether the peer is in the directory.
	known(p peer.ID) bool
}

// A confirmer asks peers who they are, a few at once. What a presence says, or what
// a connection means, is only a hint until the peer itself answers info.
//
// Who is asked on whose word decides the lane in which a question waits. So neither known
// cities nor those that have connected wait for those who only show themselves.
type confirmer struct {
	host  host.Host
	ident identifier
	lanes [lanes]lane

	mu       sync.Mutex // guards asked, the questions in it, and patience
	asked    map[peer.ID]*question
	patience *patience
}

// A question is put to one peer. It exists from when it is wanted until it is over.
type question struct {
	again   reason             // why it is to be put again; none: it is not
	cancel  context.CancelFunc // ends the present attempt; nil before the first
	dialing bool               // there was no connection when the present attempt began
}

// A reason is why a peer is asked.
type reason int

const (
	none reason = iota
	// sign: the peer lives, as far as others say. A question under way that has no answer
	// was put to a process that is gone, and is put again, unless that has come to nothing
	// often.
	sign
	// proof: the peer has shown this city that it lives, so that it need not rest.
	proof
	// contact: there is a new connection to the peer. A question under way is put
	// again at once, as it is where a peer that was being dialed is found connected.
	contact
)

func newConfirmer(h host.Host, ident identifier) *confirmer {
	return &confirmer{host: h, ident: ident, lanes: newLanes(), asked: make(map[peer.ID]*question), patience: newPatience()}
}

// ask queues a peer, which is asked soon. It never blocks: where the queue is full
// the peer's next presence asks again. So it does where the peer is to rest.
func (c *confirmer) ask(p peer.ID, why reason) {
	// The host and the directory are asked before the lock is taken, for they have locks
	// of their own.
	connected := c.connected(p)
	of := laneOf(c.ident.known(p), connected)
	c.mu.Lock()
	defer c.mu.Unlock()
	if q, ok := c.asked[p]; ok {
		if connected && q.dialing {
			why = contact
		}
		q.again = max(q.again, why)
		if why == contact && q.cancel != nil {
			q.cancel()
		}
		return
	}
	if why == sign && c.patience.rests(p, time.Now()) {
		return
	}
	queue := c.lanes[of].prompt
	if c.patience.isTardy(p) {
		queue = c.lanes[of].tardy
	}
	select {
	case queue <- p:
		c.asked[p] = new(question)
	default:
	}
}

func (c *confirmer) connected(p peer.ID) bool {
	return c.host.Network().Connectedness(p) == network.Connected
}

// work asks peers, one after another, of both queues of a lane by turns or of the prompt
// one alone.
func (c *confirmer) work(ctx context.Context, of *lane, promptOnly bool) error {
	tardy := of.tardy
	if promptOnly {
		tardy = nil
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case p := <-of.prompt:
			c.answer(ctx, p, of.patience)
		case p := <-tardy:
			c.answer(ctx, p, ConfirmTimeout)
		}
	}
}

// answer asks a peer once, for so long. One that does not answer, and gave a sign of life
// since it was asked, goes to the end of a queue, behind those that wait; so does one that
// was asked for less than ConfirmTimeout.
func (c *confirmer) answer(ctx context.Context, p peer.ID, patience time.Duration) {
	begun := time.Now()
	attempt, cancel := context.WithTimeout(ctx, patience)
	err := c.attempt(attempt, p)
	cancel()
	if ctx.Err() != nil {
		err = nil // nothing is held against a peer when this node ends
	}
	again := c.over(p, begun, err == nil)
	switch {
	case err == nil:
	case again != none, patience < ConfirmTimeout && time.Since(begun) >= patience:
		c.ask(p, again)
	default:
		c.ident.unanswered(p, err)
	}
}

// attempt asks a peer once.
func (c *confirmer) attempt(ctx context.Context, p peer.ID) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	dialing := !c.connected(p)
	c.mu.Lock()
	q := c.asked[p]
	// What is noted from here on is newer than this attempt, so it is not forgotten at
	// its end.
	q.again, q.cancel, q.dialing = none, cancel, dialing
	c.mu.Unlock()
	_, err := c.ident.Identify(ctx, p)
	return err
}

// over ends a question and notes how long it took. It returns why the question is to be
// put again if it had no answer, or none.
func (c *confirmer) over(p peer.ID, begun time.Time, answered bool) (again reason) {
	connected := c.connected(p)
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	q := c.asked[p]
	delete(c.asked, p)
	again = q.again
	if connected && q.dialing {
		again = contact
	}
	switch late := now.Sub(begun) > promptMax; {
	case late:
		c.patience.late(p, now)
	case answered:
		c.patience.prompt(p)
	} // a question that failed at once held nobody up
	return again
}
