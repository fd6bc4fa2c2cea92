package antientropy

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	mocknet "github.com/libp2p/go-libp2p/p2p/net/mock"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/reconcile"
	"github.com/citynode/citynode/protocol"
)

// town are cities that are alive.
type town struct {
	crowd
	alive []Neighbour
}

func (s *town) Alive() []Neighbour { return slices.Clone(s.alive) }

// settler is an AntiEntropy with some neighbours: cities that answer, and peers that open
// no mouth.
type settler struct {
	*AntiEntropy
	town *town
	net  mocknet.Mocknet
}

func newSettler(t *testing.T, silent, answering int) *settler {
	t.Helper()
	s := &settler{town: new(town), net: mocknet.New()}
	t.Cleanup(func() { _ = s.net.Close() }) // always nil
	own := s.newHost(t)
	gotham := newGotham(t)
	t.Cleanup(begin(t, gotham))
	s.AntiEntropy = New(Config{
		Host: own, Protocol: testProtocol, City: gotham, Cluster: s.town,
		FindAddrs: func(context.Context, peer.ID) {}, Now: func() crdt.Stamp { return 1 }, Logger: slog.New(slog.DiscardHandler),
		Hooks: Hooks{Greeted: func(peer.ID, reconcile.Hello) {}, Synced: func(SyncEvent) {}, Joining: func(Progress) {}},
	})
	for n := range silent {
		h := s.newHost(t)
		h.SetStreamHandler(testProtocol, func(network.Stream) {})
		s.meets(t, fmt.Sprint("a-silent-", n), h) // by name they come first
	}
	for n := range answering {
		h := s.newHost(t)
		syncsAt(t, h)
		s.meets(t, fmt.Sprint("city-", n), h)
	}
	return s
}

func (s *settler) newHost(t *testing.T) host.Host {
	t.Helper()
	h, err := s.net.GenPeer()
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// meets connects a host, as a city of that name.
func (s *settler) meets(t *testing.T, name string, h host.Host) {
	t.Helper()
	own := s.cfg.Host.ID()
	if _, err := s.net.LinkPeers(own, h.ID()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.net.ConnectPeers(own, h.ID()); err != nil {
		t.Fatal(err)
	}
	s.town.alive = append(s.town.alive, Neighbour{Name: name, Peer: h.ID()})
}

// told is a line of a settle and when it came.
type told struct {
	protocol.SettleLine
	after time.Duration
}

// settled returns what a settle told, and how long it took.
func (s *settler) settled(t *testing.T) (lines []told, took time.Duration) {
	t.Helper()
	begun := time.Now()
	err := s.Settle(t.Context(), func(line protocol.SettleLine) error {
		lines = append(lines, told{line, time.Since(begun)})
		return nil
	})
	if err != nil {
		t.Errorf("settle: %v", err)
	}
	return lines, time.Since(begun)
}

func TestASettleWithSixtySilentCitiesEndsSoonAndNamesThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSettler(t, 60, 3)
		for round, most := range []time.Duration{8 * time.Second, 5 * time.Second} {
			lines, took := s.settled(t)
			named := make(map[string]string)
			for _, line := range lines {
				named[line.City] = line.Error
			}
			if first, last := lines[0].after, lines[len(lines)-1].after; first > last-time.Second {
				t.Errorf("round %d: lines came from %v to %v", round, first, last)
			}
			if len(lines) != 63 || len(named) != 63 {
				t.Errorf("round %d: %d lines about %d cities", round, len(lines), len(named))
			}
			for name, failure := range named {
				if strings.HasPrefix(name, "a-silent") != (failure != "") {
					t.Errorf("round %d: %s: %q", round, name, failure)
				}
			}
			t.Logf("round %d: 60 silent cities and 3 that answer are settled with in %v", round, took)
			if took > most {
				t.Errorf("round %d took %v", round, took)
			}
		}
		synctest.Wait()
	})
}

func TestASettleAsksThoseFirstThatHaveAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSettler(t, 100, 2)
		good := func() (some []peer.ID) {
			for _, c := range s.town.alive[100:] {
				some = append(some, c.Peer)
			}
			return some
		}()
		s.settled(t)
		for _, p := range good {
			if s.manners.of(p) != answers {
				t.Errorf("%s is not known to answer", p)
			}
		}
		if s.manners.of(s.town.alive[0].Peer) != silent {
			t.Error("a silent city is not known as such")
		}
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond) // one turn
		defer cancel()
		done := 0
		for _, line := range s.settlePass(ctx, s.town.Alive(), func(protocol.SettleLine) {}) {
			if line.Error == "" {
				done++
			}
		}
		if done != len(good) {
			t.Errorf("in one turn %d of those that answer were synced with", done)
		}
		synctest.Wait()
	})
}

func TestASettleNamesTheCitiesThatItDidNotComeTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSettler(t, 40, 0)
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errSettleOver)
		defer cancel()
		begun := time.Now()
		lines := s.settlePass(ctx, s.town.Alive(), func(protocol.SettleLine) {})
		if took := time.Since(begun); took > 1100*time.Millisecond || len(lines) != 40 {
			t.Errorf("%d lines after %v", len(lines), took)
		}
		for _, line := range lines {
			if line.City == "" || len(line.Peer) == 0 || line.Error != errSettleOver.Error() {
				t.Errorf("line %+v", line)
			}
		}
		synctest.Wait()
	})
}

// After the second pass all hold what all held: this city must have had it after the first.
func TestACityThatFailedInTheFirstPassIsNotAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSettler(t, 0, 1)
		h := s.newHost(t)
		asked := 0
		h.SetStreamHandler(testProtocol, func(stream network.Stream) { asked++; _ = stream.Reset() })
		s.meets(t, "late", h)
		s.town.alive = append(s.town.alive, Neighbour{Name: "apart", Peer: "apart", Apart: context.Canceled})
		lines, _ := s.settled(t)
		failures := make(map[string]string)
		for _, line := range lines {
			failures[line.City] = line.Error
		}
		if len(lines) != 3 || failures["late"] == "" || failures["apart"] != context.Canceled.Error() || failures["city-0"] != "" || asked != 1 {
			t.Errorf("%v, asked %d times", failures, asked)
		}
		synctest.Wait()
	})
}
