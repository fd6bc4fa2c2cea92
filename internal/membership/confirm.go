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

const (
	// confirmWorkers is how many peers are asked at once. A question to a dead peer
	// takes ConfirmTimeout; with several at once the living need not wait for it.
	confirmWorkers = 4
	// confirmQueueMax bounds the peers that wait to be asked. A peer that does not fit
	// is asked at its next presence. It also bounds what is remembered of them: a peer
	// is in the queue, or with one of the workers, at most once.
	confirmQueueMax = 256
)

// An identifier asks one peer who it is.
type identifier interface {
	// Identify returns the peer's own answer.
	Identify(ctx context.Context, p peer.ID) (protocol.InfoReply, error)
	// unanswered notes that a peer did not answer a question put at the time asked,
	// and reports whether the peer was heard since.
	unanswered(p peer.ID, asked time.Time, err error) (heard bool)
	// clock returns the time now.
	clock() time.Time
}

// A confirmer asks peers who they are, a few at once. What a presence says, or what
// a connection means, is only a hint until the peer itself answers info.
type confirmer struct {
	host  host.Host
	ident identifier
	queue chan peer.ID

	mu    sync.Mutex // guards asked and the questions in it
	asked map[peer.ID]*question
}

// A question is put to one peer. It exists from when it is wanted until it is over.
type question struct {
	again   bool               // the peer gave a sign of life since it was asked last
	cancel  context.CancelFunc // ends the present attempt; nil before the first
	dialing bool               // there was no connection when the present attempt began
}

// A reason is why a peer is asked.
type reason int

const (
	// doubt: there is no sign of life. A question under way will tell.
	doubt reason = iota
	// sign: the peer lives. A question under way that has no answer was put to a
	// process that is gone, and is put again.
	sign
	// contact: there is a new connection to the peer. A question under way is put
	// again at once, as it is where a peer that was being dialed is found connected.
	contact
)

func newConfirmer(h host.Host, ident identifier) *confirmer {
	return &confirmer{host: h, ident: ident, queue: make(chan peer.ID, confirmQueueMax), asked: make(map[peer.ID]*question)}
}

// ask queues a peer, which is asked soon. It never blocks: where the queue is full
// the peer's next presence asks again.
func (c *confirmer) ask(p peer.ID, why reason) {
	// The host is asked before the lock is taken, for it has locks of its own.
	connected := c.connected(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	if q, ok := c.asked[p]; ok {
		if connected && q.dialing {
			why = contact
		}
		q.again = q.again || why != doubt
		if why == contact && q.cancel != nil {
			q.cancel()
		}
		return
	}
	select {
	case c.queue <- p:
		c.asked[p] = new(question)
	default:
	}
}

func (c *confirmer) connected(p peer.ID) bool {
	return c.host.Network().Connectedness(p) == network.Connected
}

// work asks the peers of the queue, one after another.
func (c *confirmer) work(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case p := <-c.queue:
			c.answer(ctx, p)
		}
	}
}

// answer asks a peer until it answers. A peer that does not answer, and has given
// no sign of life since it was asked last, is lost. One that was heard in another way
// goes to the end of the queue, behind those that wait.
func (c *confirmer) answer(ctx context.Context, p peer.ID) {
	for {
		asked := c.ident.clock()
		err := c.attempt(ctx, p)
		answered := err == nil || ctx.Err() != nil
		if !c.over(p, answered) {
			continue
		}
		if !answered && c.ident.unanswered(p, asked, err) {
			c.ask(p, doubt)
		}
		return
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
	q.again, q.cancel, q.dialing = false, cancel, dialing
	c.mu.Unlock()
	_, err := c.ident.Identify(ctx, p)
	return err
}

// over ends a question and reports true, or reports false where the question had
// no answer and is to be put again.
func (c *confirmer) over(p peer.ID, answered bool) bool {
	connected := c.connected(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	if q := c.asked[p]; !answered && (q.again || connected && q.dialing) {
		return false
	}
	delete(c.asked, p)
	return true
}
