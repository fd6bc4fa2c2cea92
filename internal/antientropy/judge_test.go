package antientropy

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	mocknet "github.com/libp2p/go-libp2p/p2p/net/mock"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/reconcile"
	"github.com/citynode/citynode/protocol"
)

// doneAtOnce is the message by which a session ends, which nobody may begin with or
// answer a hello with.
var doneAtOnce = []byte{0xa3, 1, byte(reconcile.KindDone), 6, 0, 7, 0}

// syncsAt returns the anti-entropy of a host, which answers the sessions of others.
func syncsAt(t *testing.T, h host.Host) *AntiEntropy {
	t.Helper()
	gotham := newGotham(t)
	t.Cleanup(begin(t, gotham))
	a := New(Config{
		Host: h, Protocol: testProtocol, City: gotham, Cluster: crowd{},
		FindAddrs: func(context.Context, peer.ID) {}, ExpectsPeers: func() bool { return true }, Every: time.Second,
		Now: func() crdt.Stamp { return 1 }, Logger: slog.New(slog.DiscardHandler),
		Hooks: Hooks{Greeted: func(peer.ID, reconcile.Hello) {}, Synced: func(SyncEvent) {}, Joining: func(Progress) {}},
	})
	h.SetStreamHandler(testProtocol, func(s network.Stream) { _ = a.Respond(t.Context(), s) })
	return a
}

func TestAViolationIsHeldAgainstThePeerWhicheverSideBegan(t *testing.T) {
	for fact, violate := range map[string]func(t *testing.T, a *AntiEntropy, foe host.Host){
		"the foe calls": func(t *testing.T, a *AntiEntropy, foe host.Host) {
			s, err := foe.NewStream(t.Context(), a.cfg.Host.ID(), testProtocol)
			if err != nil {
				t.Fatal(err)
			}
			if err := protocol.WriteFrame(s, doneAtOnce); err != nil {
				t.Fatal(err)
			}
			_, _ = io.ReadAll(s) // ends with the stream, once the violation was judged
		},
		"the foe is called": func(t *testing.T, a *AntiEntropy, foe host.Host) {
			if _, err := a.Sync(t.Context(), foe.ID()); err == nil {
				t.Error("a sync with a foe was complete")
			}
		},
	} {
		t.Run(fact, func(t *testing.T) {
			net, err := mocknet.FullMeshConnected(2)
			if err != nil {
				t.Fatal(err)
			}
			defer net.Close()
			own, foe := net.Hosts()[0], net.Hosts()[1]
			a := syncsAt(t, own)
			foe.SetStreamHandler(testProtocol, func(s network.Stream) {
				if _, err := protocol.ReadFrame(bufio.NewReader(s), reconcile.MessageBytesMax); err == nil {
					_ = protocol.WriteFrame(s, doneAtOnce)
				}
			})
			for n := range strikesMax {
				if a.strikes.barred(foe.ID(), time.Now()) {
					t.Fatalf("barred after %d violations", n)
				}
				violate(t, a, foe)
			}
			if !a.strikes.barred(foe.ID(), time.Now()) {
				t.Errorf("not barred after %d violations", strikesMax)
			}
			s, err := foe.NewStream(t.Context(), own.ID(), testProtocol)
			if err != nil {
				t.Fatal(err)
			}
			stream := NewStream(s)
			_ = stream.Send(helloOf(t, 1)) // fails where the reset was faster
			if answer, err := stream.Receive(StallTimeout); err == nil {
				t.Errorf("a peer that is barred was answered %v", answer.Kind())
			}
		})
	}
}
