package antientropy

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"
	mocknet "github.com/libp2p/go-libp2p/p2p/net/mock"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/reconcile"
	"github.com/citynode/citynode/protocol"
)

const testProtocol libp2pprotocol.ID = "/citynode/test/sync/1.0.0"

// crowd are neighbours that nobody talks to.
type crowd struct{ neighbours []peer.ID }

func (c crowd) Neighbours(most int) []peer.ID { return c.neighbours[:min(most, len(c.neighbours))] }

func (crowd) Alive() []Neighbour { return nil }

func (crowd) NameOf(peer.ID) string { return "" }

func (crowd) Agreed(peer.ID, reconcile.Hello, crdt.Stamp) {}

// asked is an AntiEntropy of a starting city and a stream to it, on hosts that end
// with the test.
func asked(t *testing.T) (a *AntiEntropy, caller peer.ID, stream network.Stream) {
	t.Helper()
	net := mocknet.New()
	t.Cleanup(func() { _ = net.Close() }) // always nil
	hosts := make([]host.Host, 2)
	for i := range hosts {
		h, err := net.GenPeer()
		if err != nil {
			t.Fatal(err)
		}
		hosts[i] = h
	}
	if err := errors.Join(net.LinkAll(), net.ConnectAllButSelf()); err != nil {
		t.Fatal(err)
	}
	starting, err := city.New(city.Config{Name: "gotham"}, city.Options{})
	if err != nil {
		t.Fatal(err)
	}
	a = New(Config{
		Host: hosts[0], Protocol: testProtocol, City: starting, Cluster: crowd{},
		Now: func() crdt.Stamp { return 1 }, Logger: slog.New(slog.DiscardHandler),
	})
	hosts[0].SetStreamHandler(testProtocol, func(s network.Stream) { _ = a.Respond(context.Background(), s) })
	stream, err = hosts[1].NewStream(t.Context(), hosts[0].ID(), testProtocol)
	if err != nil {
		t.Fatal(err)
	}
	return a, hosts[1].ID(), stream
}

// struck returns how many strikes there are against a peer.
func struck(a *AntiEntropy, p peer.ID) int {
	a.strikes.mu.Lock()
	defer a.strikes.mu.Unlock()
	if of, ok := a.strikes.byPeer.Get(p); ok {
		return of.count
	}
	return 0
}

func TestACityThatIsStartingAnswersUnavailableAndNobodyIsBlamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, caller, s := asked(t)
		stream := NewStream(s)
		hello, err := reconcile.Decode([]byte("\xa2\x01\x01\x02\xa3\x01\x01\x02\xa3\x01\x00\x02\x00\x03\x50" + string(make([]byte, 16)) + "\x03\x01"))
		if err != nil {
			t.Fatal(err)
		}
		if err := stream.Send(hello); err != nil {
			t.Fatal(err)
		}
		answer, err := stream.Receive(StallTimeout)
		if err != nil || answer.Kind() != reconcile.KindUnavailable {
			t.Fatalf("answered %v, %v", answer, err)
		}
		if _, err := stream.Receive(StallTimeout); !errors.Is(err, io.EOF) {
			t.Errorf("then %v, want the end", err)
		}
		if n := struck(a, caller); n != 0 {
			t.Errorf("%d strikes", n)
		}
		_ = s.Close()
	})
}

// The caller may have sent more before it could know. It is read away, for a while.
func TestACallerThatGoesOnAfterUnavailableIsResetASecondLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, caller, s := asked(t)
		begun := time.Now()
		pull := []byte("\x05\xa2\x01\x08\x03\x00")
		for time.Since(begun) < time.Minute {
			if _, err := s.Write(pull); err != nil {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		if took := time.Since(begun); took < protocol.CloseTimeout || took > 2*protocol.CloseTimeout {
			t.Errorf("reset after %v", took)
		}
		if n := struck(a, caller); n != 0 {
			t.Errorf("%d strikes", n)
		}
	})
}

func TestWhatIsNoFrameIsAStrike(t *testing.T) {
	for fact, row := range map[string]struct {
		sent    string
		strikes int
	}{
		"a frame of length 0":              {"\x00", 1},
		"a length that is too long":        {"\x81\x00\xa0", 1},
		"more than 256 KiB":                {"\x81\x80\x10", 1},
		"a length of ten bytes":            {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 1},
		"no CBOR":                          {"\x01\xff", 1},
		"half a length, and then the end":  {"\x80", 0},
		"half a message, and then the end": {"\x02\xa1", 0},
		"nothing, and then the end":        {"", 0},
	} {
		t.Run(fact, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, caller, s := asked(t)
				if _, err := s.Write([]byte(row.sent)); err != nil {
					t.Fatal(err)
				}
				if err := s.CloseWrite(); err != nil {
					t.Fatal(err)
				}
				_, err := io.ReadAll(s)
				if n := struck(a, caller); n != row.strikes {
					t.Errorf("%d strikes, want %d; the stream ended with %v", n, row.strikes, err)
				}
				if reset := err != nil; reset != (row.sent != "") {
					t.Errorf("the stream ended with %v", err)
				}
			})
		})
	}
}

func TestATimeOutIsNoStrike(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, caller, _ := asked(t)
		a.judge(caller, os.ErrDeadlineExceeded)
		a.judge(caller, ErrTooSlow)
		a.judge(caller, reconcile.ErrUnavailable)
		if n := struck(a, caller); n != 0 {
			t.Errorf("%d strikes", n)
		}
	})
}

func TestWhoHasTooManySyncsIsAnsweredUnavailable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, caller, s := asked(t)
		for range respondersPerPeer {
			if _, ok := a.responders.enter(caller); !ok {
				t.Fatal("no room")
			}
		}
		session := reconcile.NewResponder(nil)
		if _, err := a.answerNext(t.Context(), caller, NewStream(s), session, reconcile.Unavailable()); !errors.Is(err, errDeclined) {
			t.Errorf("%v, want %v", err, errDeclined)
		}
	})
}
