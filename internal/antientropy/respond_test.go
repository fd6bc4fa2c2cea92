package antientropy

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"slices"
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
	"github.com/citynode/citynode/crdt/crdttest"
	"github.com/citynode/citynode/internal/cbor"
	"github.com/citynode/citynode/internal/reconcile"
	"github.com/citynode/citynode/protocol"
)

const testProtocol libp2pprotocol.ID = "/citynode/test/sync/1.0.0"

// crowd are neighbours that nobody talks to.
type crowd struct{ neighbours []peer.ID }

func (c crowd) Neighbours(most int) []peer.ID { return c.neighbours[:min(most, len(c.neighbours))] }

func (crowd) Alive() []Neighbour { return nil }

func (crowd) NameOf(peer.ID) string { return "" }

func (crowd) Agreed(peer.ID, reconcile.Hello, crdt.Stamp, time.Time) {}

// newGotham returns a city that has not started.
func newGotham(t *testing.T) *city.City {
	t.Helper()
	gotham, err := city.New(city.Config{Name: "gotham", PatrolEvery: city.Off, FightEvery: city.Off}, city.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return gotham
}

// asked is an AntiEntropy of a city and a stream to it, on hosts that end with the test.
func asked(t *testing.T, own *city.City) (a *AntiEntropy, caller peer.ID, stream network.Stream) {
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
	a = New(Config{
		Host: hosts[0], Protocol: testProtocol, City: own, Cluster: crowd{},
		Now: func() crdt.Stamp { return 1 }, Logger: slog.New(slog.DiscardHandler),
		Hooks: Hooks{Greeted: func(peer.ID, reconcile.Hello) {}, Synced: func(SyncEvent) {}},
	})
	hosts[0].SetStreamHandler(testProtocol, func(s network.Stream) { _ = a.Respond(context.Background(), s) })
	stream, err := hosts[1].NewStream(t.Context(), hosts[0].ID(), testProtocol)
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

// helloOf returns the first message of a city that says it holds so many heroes.
func helloOf(t *testing.T, heroes uint16) reconcile.Message {
	t.Helper()
	var digest [16]byte
	if heroes > 0 {
		digest[0] = 1
	}
	count := cbor.AppendUint(nil, uint64(heroes))
	hello, err := reconcile.Decode([]byte("\xa2\x01\x01\x02\xa3\x01\x01\x02\xa3\x01" + string(count) + "\x02\x00\x03\x50" + string(digest[:]) + "\x03\x01"))
	if err != nil {
		t.Fatal(err)
	}
	return hello
}

// answerTo returns the kind of the answer to a hello.
func answerTo(t *testing.T, s network.Stream, hello reconcile.Message) reconcile.Kind {
	t.Helper()
	stream := NewStream(s)
	if err := stream.Send(hello); err != nil {
		t.Fatal(err)
	}
	answer, err := stream.Receive(StallTimeout)
	if err != nil {
		t.Fatal(err)
	}
	_ = s.Reset()
	return answer.Kind()
}

func TestAPeerThatWouldSendItsWholeStateIsToldToWaitAndAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gotham := newGotham(t)
		defer begin(t, gotham)()
		a, caller, s := asked(t, gotham)
		if kind := answerTo(t, s, helloOf(t, 10_000)); kind != reconcile.KindUnavailable {
			t.Errorf("answered %v", kind)
		}
		due, _ := a.requests.take(time.Now(), 1, nobody)
		if !slices.Equal(due, []peer.ID{caller}) {
			t.Errorf("asked are %v, want the peer", due)
		}
	})
}

// heroesFrom returns so many heroes, with IDs from a number on.
func heroesFrom(first, many int) (some crdt.Entries) {
	for n := range many {
		hero := crdt.Hero{ID: crdttest.IDOf(first + n), Name: "Robin", Location: crdt.Home, Health: 50, Version: crdt.Version{HLC: 1}}
		some.Heroes = append(some.Heroes, hero)
	}
	return some
}

// pushOf returns the message with which a city pushes entries.
func pushOf(t *testing.T, entries crdt.Entries) reconcile.Message {
	t.Helper()
	push, err := reconcile.Decode(crdt.AppendEntries([]byte{0xa2, 1, byte(reconcile.KindPush), 4}, entries))
	if err != nil {
		t.Fatal(err)
	}
	return push
}

// differing begins a session of a peer that says it holds so many heroes, with a city
// that holds a thousand.
func differing(t *testing.T, gotham *city.City, heroes uint16) (a *AntiEntropy, stream *Stream) {
	t.Helper()
	if _, err := gotham.Do(t.Context(), city.Update{Entries: heroesFrom(0, 1000), Source: city.SourceSync}); err != nil {
		t.Fatal(err)
	}
	a, _, s := asked(t, gotham)
	stream = NewStream(s)
	if err := stream.Send(helloOf(t, heroes)); err != nil {
		t.Fatal(err)
	}
	if answer, err := stream.Receive(StallTimeout); err != nil || answer.Kind() != reconcile.KindDiffer {
		t.Fatalf("answered %v, %v", answer.Kind(), err)
	}
	return a, stream
}

func TestASessionThatTricklesIsEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gotham := newGotham(t)
		defer begin(t, gotham)()
		_, stream := differing(t, gotham, 1000)
		begun := time.Now()
		for n := 0; time.Since(begun) < 2*SessionGrace; n++ {
			if err := stream.Send(pushOf(t, heroesFrom(2000+n, 1))); err != nil {
				break
			}
			time.Sleep(StallTimeout / 2)
		}
		if took := time.Since(begun); took < SessionGrace || took > SessionGrace+2*StallTimeout {
			t.Errorf("ended after %v, want %v", took, SessionGrace)
		}
	})
}

func TestAPeerThatSendsItsWholeStateUnaskedWaitsForItsTurnAndGivesItBack(t *testing.T) {
	for _, sending := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			gotham := newGotham(t)
			defer begin(t, gotham)()
			a, stream := differing(t, gotham, 1000)
			if sending {
				if _, ok := a.intake.take("metropolis", true, time.Now()); !ok {
					t.Fatal("nobody has a turn, and metropolis gets none")
				}
			}
			if err := stream.Send(pushOf(t, heroesFrom(2000, 500))); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if has := a.intake.turn != nil && a.intake.turn.from != "metropolis"; has == sending {
				t.Errorf("the peer has a turn where another sends (%t): %t", sending, has)
			}
			if sending { // else nothing is answered, and nobody waits in vain: mocknet has no deadlines
				if answer, err := stream.Receive(StallTimeout); err != nil || answer.Kind() != reconcile.KindUnavailable {
					t.Errorf("answered %v, %v where another sends", answer.Kind(), err)
				}
			}
			_ = stream.Reset()
			synctest.Wait()
			if !sending && a.intake.turn != nil {
				t.Error("its turn goes on after its session")
			}
		})
	}
}

func TestWhoHasMuchThatAnotherCityIsSendingIsToldToWait(t *testing.T) {
	for _, sending := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			gotham := newGotham(t)
			defer begin(t, gotham)()
			if _, err := gotham.Do(t.Context(), city.Update{Entries: heroesFrom(0, 1000), Source: city.SourceSync}); err != nil {
				t.Fatal(err)
			}
			a, _, s := asked(t, gotham)
			want := reconcile.KindDiffer
			if sending {
				want = reconcile.KindUnavailable
				if _, ok := a.intake.take("metropolis", true, time.Now()); !ok {
					t.Fatal("nobody has a turn, and metropolis gets none")
				}
			}
			if kind := answerTo(t, s, helloOf(t, 1200)); kind != want {
				t.Errorf("answered %v where another sends: %t", kind, sending)
			}
		})
	}
}

func TestACityThatIsStartingAnswersUnavailableAndNobodyIsBlamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, caller, s := asked(t, newGotham(t))
		stream := NewStream(s)
		if err := stream.Send(helloOf(t, 0)); err != nil {
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
		a, caller, s := asked(t, newGotham(t))
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
				a, caller, s := asked(t, newGotham(t))
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
		a, caller, _ := asked(t, newGotham(t))
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
		a, caller, s := asked(t, newGotham(t))
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

func TestAnAnsweredSessionFulfilsRequestsAndWakesThoseThatWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gotham := newGotham(t)
		defer begin(t, gotham)()
		a, caller, s := asked(t, gotham)
		a.requests.add(caller, time.Hour)
		select {
		case <-a.requests.wake:
		default:
		}
		time.Sleep(time.Second)
		stream := NewStream(s)
		if err := stream.Send(helloOf(t, 0)); err != nil {
			t.Fatal(err)
		}
		if answer, err := stream.Receive(StallTimeout); err != nil || answer.Kind() != reconcile.KindSame {
			t.Fatalf("answered %v, %v", answer.Kind(), err)
		}
		synctest.Wait()
		if waiting := len(a.requests.byPeer); waiting != 0 {
			t.Errorf("%d requests wait after a complete session with the peer", waiting)
		}
		select {
		case <-a.requests.wake:
		default:
			t.Error("a request that waited for the peer is not looked at")
		}
		_ = s.Reset()
	})
}
