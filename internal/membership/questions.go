package membership

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"
	"github.com/multiformats/go-multistream"
	"golang.org/x/time/rate"

	"github.com/citynode/citynode/internal/detection"
	"github.com/citynode/citynode/protocol"
)

const (
	// answerWithin is how long an answer is waited for. The machine judges sooner, and an
	// answer that comes later than this is no news: other questions were put meanwhile.
	answerWithin = 3 * time.Second
	// questionsIdle is how long a stream without a question is served: longer than a round
	// of questions to all others takes.
	questionsIdle = 10 * time.Minute
	// idleQuestionsMax bounds the streams that are kept for the next question.
	idleQuestionsMax = 256
	// waysMax bounds the connections of one peer that a question is put on at once.
	waysMax = 4
)

// questions is a stream on which questions are put.
type questions struct {
	network.Stream
	in *bufio.Reader
}

// end ends a stream that is not used any more.
func (q *questions) end() { _ = q.Reset() } // nobody waits for it

// ask puts a question on the stream that is kept for it, or on each connection that there
// is, for one of them may be dead. It does not dial.
func (d *detector) ask(ctx context.Context, p peer.ID, number uint64) error {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	if kept, ok := d.idle.Take(p); ok && !kept.Conn().IsClosed() {
		if d.askOn(ctx, kept, number) == nil || ctx.Err() != nil {
			return nil
		}
		// The other side has ended it meanwhile, as happens when it has been idle for long.
	}
	var ways sync.WaitGroup
	defer ways.Wait()
	for i, conn := range d.host.Network().ConnsToPeer(p) {
		if i == waysMax {
			break
		}
		ways.Go(func() {
			s, err := d.open(ctx, conn)
			if err == nil {
				err = d.askOn(ctx, s, number)
			}
			d.log.Debug("asked whether a city lives", "peer", p, "question", number, "err", err)
		})
	}
	return nil
}

// open opens a stream for questions on a connection. A refusal of the protocol is an answer
// as well, where the other side still says that it serves as a city: its program knows no
// questions.
func (d *detector) open(ctx context.Context, conn network.Conn) (*questions, error) {
	s, err := conn.NewStream(ctx)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = s.Reset() })
	defer stop()
	if err = s.SetProtocol(d.protocol); err == nil {
		err = multistream.SelectProtoOrFail(d.protocol, s)
	}
	if err != nil {
		_ = s.Reset()
		if _, refused := errors.AsType[multistream.ErrNotSupported[libp2pprotocol.ID]](err); refused && d.serves(conn.RemotePeer()) {
			d.tell(ctx, detection.Asked{Peer: detection.Peer(conn.RemotePeer())})
		}
		return nil, err
	}
	return &questions{s, bufio.NewReaderSize(s, protocol.AliveBytesMax)}, nil
}

// serves reports whether a peer says, by what libp2p last heard of it, that it is a city.
func (d *detector) serves(p peer.ID) bool {
	spoken, err := d.host.Peerstore().SupportsProtocols(p, d.protocols...)
	return err == nil && len(spoken) == len(d.protocols)
}

// askOn puts a question on a stream, which is kept once it is answered, and ended if not.
func (d *detector) askOn(ctx context.Context, q *questions, number uint64) error {
	p := q.Conn().RemotePeer()
	stop := context.AfterFunc(ctx, q.end)
	err := writeQuestion(q, number)
	var answer protocol.Question
	if err == nil {
		answer, err = readQuestion(q.in)
	}
	if err == nil && answer.Number != number {
		err = fmt.Errorf("the answer to question %d has number %d", number, answer.Number)
	}
	if !stop() || err != nil {
		q.end()
		return errors.Join(err, ctx.Err())
	}
	d.idle.Put(p, q)
	d.tell(ctx, detection.Answered{Peer: detection.Peer(p), Number: number})
	return nil
}

func writeQuestion(w io.Writer, number uint64) error {
	payload, err := protocol.Marshal(protocol.Question{Number: number})
	if err != nil {
		return err
	}
	return protocol.WriteFrame(w, payload)
}

func readQuestion(r *bufio.Reader) (q protocol.Question, err error) {
	payload, err := protocol.ReadFrame(r, protocol.AliveBytesMax)
	if err != nil {
		return q, err
	}
	return q, protocol.UnmarshalLenient(payload, &q)
}

// Answer answers the questions of one stream of another peer. Each is a sign of life of
// the peer. A peer that asks too often, or has too many streams, is cut off.
func (m *Members) Answer(ctx context.Context, s network.Stream) error {
	d, p := m.detector, s.Conn().RemotePeer()
	leave, ok := d.guests.enter(p)
	if !ok {
		_ = s.Reset()
		return nil
	}
	defer leave()
	defer context.AfterFunc(ctx, func() { _ = s.Reset() })()
	in, often := bufio.NewReaderSize(s, protocol.AliveBytesMax), rate.NewLimiter(protocol.AliveRate, protocol.AliveBurst)
	for {
		_ = s.SetReadDeadline(time.Now().Add(questionsIdle)) // simulated streams have none
		q, err := readQuestion(in)
		if errors.Is(err, io.EOF) && in.Buffered() == 0 {
			_ = s.Close()
			return nil
		}
		if err == nil && !often.Allow() {
			err = errors.New("too many questions")
		}
		if err == nil {
			// The answer first: who asks counts the time.
			_ = s.SetWriteDeadline(time.Now().Add(answerWithin)) // as above
			err = writeQuestion(s, q.Number)
		}
		if err != nil {
			_ = s.Reset()
			return fmt.Errorf("answer questions of %s: %w", p, err)
		}
		if known, ok := d.directory.Get(p); ok && known.Status != protocol.StatusLeft {
			d.tell(ctx, detection.Asked{Peer: detection.Peer(p)})
		}
	}
}

// guests bounds the streams of questions that one peer has open here.
type guests struct {
	mu     sync.Mutex // guards byPeer
	byPeer map[peer.ID]int
}

func newGuests() *guests { return &guests{byPeer: make(map[peer.ID]int)} }

// enter admits one more stream of the peer, until leave is called.
func (g *guests) enter(p peer.ID) (leave func(), ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.byPeer[p] >= protocol.AliveStreamsMax {
		return nil, false
	}
	g.byPeer[p]++
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.byPeer[p]--; g.byPeer[p] == 0 {
			delete(g.byPeer, p)
		}
	}, true
}
