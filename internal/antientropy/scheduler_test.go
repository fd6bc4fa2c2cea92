package antientropy

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	mocknet "github.com/libp2p/go-libp2p/p2p/net/mock"

	"github.com/citynode/citynode/crdt"
)

// A half-filled joiner that is being served would be asked for its state, and then be sent
// the whole of the own one beside what it is being sent.
func TestARandomRoundLeavesOutWhoIsBeingServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gotham := newGotham(t)
		defer begin(t, gotham)()
		net := mocknet.New()
		defer net.Close() //nolint:errcheck // always nil
		own, err := net.GenPeer()
		if err != nil {
			t.Fatal(err)
		}
		other, err := net.GenPeer()
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(net.LinkAll(), net.ConnectAllButSelf()); err != nil {
			t.Fatal(err)
		}
		var begun atomic.Int64
		other.SetStreamHandler(testProtocol, func(s network.Stream) {
			begun.Add(1)
			_ = s.Reset()
		})
		a := New(Config{
			Host: own, Protocol: testProtocol, City: gotham, Cluster: crowd{neighbours: []peer.ID{other.ID()}},
			Open: func(bool) {}, ExpectsPeers: func() bool { return true }, FindAddrs: func(context.Context, peer.ID) {},
			Every: time.Second, Now: func() crdt.Stamp { return 1 }, Logger: slog.New(slog.DiscardHandler),
			Hooks: Hooks{Synced: func(SyncEvent) {}, Joining: func(Progress) {}},
		})
		served, ok := a.responders.enter(other.ID())
		if !ok {
			t.Fatal("nobody is served, and there is no room")
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- a.Serve(ctx) }()
		time.Sleep(2 * idleEvery)
		if n := begun.Load(); n != 0 {
			t.Errorf("%d sessions with a city that is being served", n)
		}
		served()
		time.Sleep(2 * idleEvery)
		if begun.Load() == 0 {
			t.Error("no session with a city that is served no more")
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestASessionThatHadToWaitIsRequestedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, caller, _ := asked(t, newGotham(t))
		a.ended(outcome{peer: caller, err: errWaits})
		if due, _ := a.requests.take(time.Now(), 1, nobody); !slices.Equal(due, []peer.ID{caller}) {
			t.Errorf("due are %v, want the peer", due)
		}
	})
}
