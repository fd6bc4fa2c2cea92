//go:build linux

package node

import (
	"context"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"
)

const (
	copyID = libp2pprotocol.ID("/copy")
	// copyBytes is what is written to a stream at once: a page of ours.
	copyBytes = 64 << 10
)

// bareCopy is hosts that do no more than take bytes from the first of them: what
// libp2p itself costs.
type bareCopy struct {
	b    *testing.B
	from host.Host
	to   []network.Stream
}

func newBareCopy(b *testing.B, listen string, receivers int) *bareCopy {
	c := &bareCopy{b: b, from: bareHost(b, libp2p.NoListenAddrs)}
	for range receivers {
		to := bareHost(b, libp2p.ListenAddrStrings(listen))
		to.SetStreamHandler(copyID, takeCopies)
		info := peer.AddrInfo{ID: to.ID(), Addrs: to.Addrs()}
		if err := c.from.Connect(context.Background(), info); err != nil {
			b.Fatal(err)
		}
		s, err := c.from.NewStream(context.Background(), to.ID(), copyID)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = s.Reset() })
		c.to = append(c.to, s)
	}
	return c
}

// takeCopies reads pages and answers each that ends a copy, which it tells by
// its first byte.
func takeCopies(s network.Stream) {
	page := make([]byte, copyBytes)
	for {
		if _, err := io.ReadFull(s, page); err != nil {
			_ = s.Reset()
			return
		}
		if page[0] == 1 {
			if _, err := s.Write(page[:1]); err != nil {
				return
			}
		}
	}
}

// copy sends so many bytes, rounded up to pages, to all receivers and waits until
// they have them.
func (c *bareCopy) copy(bytes int) (took time.Duration) {
	c.b.Helper()
	begun := time.Now()
	errs := make(chan error, len(c.to))
	var all sync.WaitGroup
	for _, s := range c.to {
		all.Go(func() { errs <- sendCopy(s, bytes) })
	}
	all.Wait()
	close(errs)
	failing(c.b, errs)
	return time.Since(begun)
}

func sendCopy(s network.Stream, bytes int) error {
	page := make([]byte, copyBytes)
	for bytes > 0 {
		if bytes -= copyBytes; bytes <= 0 {
			page[0] = 1
		}
		if _, err := s.Write(page); err != nil {
			return err
		}
	}
	_, err := io.ReadFull(s, page[:1])
	return err
}

// plainGossip is a cluster of hosts that have GossipSub, as it comes, and nothing
// else.
type plainGossip struct {
	wire    wire
	topics  []*pubsub.Topic
	message []byte
	updates int
	got     chan time.Time // one for each host that has the message
}

func newPlainGossip(b *testing.B, hosts, messageBytes int) *plainGossip {
	g := &plainGossip{message: make([]byte, messageBytes), got: make(chan time.Time, hosts)}
	ctx, stop := context.WithCancel(context.Background())
	b.Cleanup(stop)
	var made []host.Host
	for range hosts {
		h := bareHost(b, libp2p.ListenAddrStrings(overTCP), g.wire.transport())
		ps, err := pubsub.NewGossipSub(ctx, h)
		if err != nil {
			b.Fatal(err)
		}
		g.join(ctx, b, ps)
		for _, other := range made {
			if err := h.Connect(ctx, peer.AddrInfo{ID: other.ID(), Addrs: other.Addrs()}); err != nil {
				b.Fatal(err)
			}
		}
		made = append(made, h)
	}
	for quick := 0; quick < 2*hosts; quick++ { // until the mesh has formed
		if took, ok := g.update(b); !ok || took > often {
			quick = 0
		}
	}
	return g
}

func (g *plainGossip) join(ctx context.Context, b *testing.B, ps *pubsub.PubSub) {
	topic, err := ps.Join("plain")
	if err != nil {
		b.Fatal(err)
	}
	messages, err := topic.Subscribe()
	if err != nil {
		b.Fatal(err)
	}
	g.topics = append(g.topics, topic)
	go func() {
		for {
			if _, err := messages.Next(ctx); err != nil {
				return
			}
			g.got <- time.Now()
		}
	}()
}

// update publishes a message and waits until all have it, or it is lost.
func (g *plainGossip) update(b *testing.B) (took time.Duration, ok bool) {
	for len(g.got) > 0 { // of one that was given up
		<-g.got
	}
	begun := time.Now()
	if err := g.topics[g.updates%len(g.topics)].Publish(context.Background(), g.message); err != nil {
		b.Fatal(err)
	}
	g.updates++
	late := time.After(lostAfter)
	for range g.topics {
		select {
		case at := <-g.got:
			took = max(took, at.Sub(begun))
		case <-late:
			return lostAfter, false
		}
	}
	return took, true
}
