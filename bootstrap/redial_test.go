package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/citynode/citynode/bootstrap/bootstraptest"
)

// healsWithin is what a user waits after an outage, at most: the longest pause
// and a dial whose first packets were still lost.
const healsWithin = urgentRetryMax + 5*time.Second

// serve runs a Redialer until the test ends.
func serve(t *testing.T, h host.Host, config RedialConfig) *Redialer {
	t.Helper()
	r, err := NewRedialer(h, config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return r
}

// waitConnected waits in virtual time and returns how long it took.
func waitConnected(t *testing.T, a, b host.Host, limit time.Duration) time.Duration {
	t.Helper()
	begin := time.Now()
	for !connected(a, b) {
		if time.Since(begin) > limit {
			t.Fatalf("not connected after %v", limit)
		}
		time.Sleep(10 * time.Millisecond)
	}
	return time.Since(begin)
}

func waitDisconnected(t *testing.T, a, b host.Host) {
	t.Helper()
	for range 120 {
		if !connected(a, b) && !connected(b, a) {
			return
		}
		time.Sleep(time.Second)
	}
	t.Fatal("still connected after two minutes of outage")
}

func TestAnOutageHealsWithinSecondsWhateverItsLength(t *testing.T) {
	for _, outage := range []time.Duration{time.Minute, time.Hour} {
		for _, known := range []string{"bootstrap", "saved"} {
			t.Run(fmt.Sprintf("%v, %s", outage, known), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { testOutage(t, outage, known) })
			})
		}
	}
}

func testOutage(t *testing.T, outage time.Duration, known string) {
	n := newSimNet(t)
	a, b := n.host(t, 1), n.host(t, 2)
	saved, err := OpenSaved("")
	if err != nil {
		t.Fatal(err)
	}
	config := RedialConfig{Saved: saved}
	if known == "bootstrap" {
		config.Bootstrap = []ma.Multiaddr{p2p(t, b)}
	} else {
		saved.Remember(peer.AddrInfo{ID: b.ID(), Addrs: b.Addrs()})
	}
	serve(t, a, config)
	waitConnected(t, a, b, time.Second)

	n.Cut(2)
	waitDisconnected(t, a, b)
	time.Sleep(outage)
	n.Heal()
	t.Logf("healed after %v", waitConnected(t, a, b, healsWithin))
}

func TestALostConnectionIsDialedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newSimNet(t)
		a, b := n.host(t, 1), n.host(t, 2)
		serve(t, a, RedialConfig{Bootstrap: []ma.Multiaddr{p2p(t, b)}})
		waitConnected(t, a, b, time.Second)
		time.Sleep(2 * stableAfter)
		if err := b.Network().ClosePeer(a.ID()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * bootstraptest.Latency)
		waitConnected(t, a, b, 10*bootstraptest.Latency)
	})
}

func TestAPartitionOfManyHealsFromSavedPeersAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newSimNet(t)
		var hosts []host.Host
		for i := range 10 {
			hosts = append(hosts, n.host(t, byte(i+1)))
		}
		for i, h := range hosts {
			config := RedialConfig{}
			if i > 0 {
				config.Bootstrap = []ma.Multiaddr{p2p(t, hosts[0])}
			}
			r := serve(t, h, config)
			for _, other := range hosts {
				r.Found(peer.AddrInfo{ID: other.ID(), Addrs: other.Addrs()})
			}
		}
		time.Sleep(time.Minute)
		n.Cut(6, 7, 8, 9, 10) // without the bootstrap peer
		waitDisconnected(t, hosts[1], hosts[9])
		time.Sleep(5 * time.Minute)
		n.Heal()
		waitConnected(t, hosts[1], hosts[9], healsWithin)
	})
}

func TestAPeerThatCannotBeReachedIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newSimNet(t)
		a, b := n.host(t, 1), n.host(t, 2)
		n.Cut(2)
		var told []DialFailure
		r := serve(t, a, RedialConfig{
			Bootstrap: []ma.Multiaddr{p2p(t, b)},
			Events:    RedialEvents{DialFailed: func(f DialFailure) { told = append(told, f) }},
		})
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if len(told) != 1 {
			t.Fatalf("told %d times: %v", len(told), told)
		}
		if f := told[0]; f.Peer != b.ID() || !f.Bootstrap || f.Reason != TimedOut || f.Err == nil || len(f.Addrs) != 1 {
			t.Errorf("told %+v", f)
		}
		if s := r.Status(); s.Known != 1 || s.Connected != 0 || len(s.Failures) != 1 {
			t.Errorf("status %+v", s)
		}
	})
}

// The peer stays connected: it may still be of use for the DHT.
func TestAPeerOfNoUseIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newSimNet(t)
		a, b := n.host(t, 1), n.host(t, 2)
		foreign := errors.New("foreign")
		var told []DialFailure
		serve(t, a, RedialConfig{
			Bootstrap: []ma.Multiaddr{p2p(t, b)},
			Foreign:   func([]protocol.ID) error { return foreign },
			Events:    RedialEvents{DialFailed: func(f DialFailure) { told = append(told, f) }},
		})
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if len(told) != 1 {
			t.Fatalf("told %d times: %v", len(told), told)
		}
		if f := told[0]; f.Peer != b.ID() || f.Reason != WrongNetwork || !errors.Is(f.Err, foreign) {
			t.Errorf("told %+v", f)
		}
	})
}

func TestAnotherPeerAtTheAddressIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newSimNet(t)
		a, b, other := n.host(t, 1), n.host(t, 2), n.host(t, 3)
		told := make(chan DialFailure, 1)
		wrong := ma.StringCast(fmt.Sprintf("%s/p2p/%s", b.Addrs()[0], other.ID()))
		serve(t, a, RedialConfig{
			Bootstrap: []ma.Multiaddr{wrong},
			Events:    RedialEvents{DialFailed: func(f DialFailure) { told <- f }},
		})
		f := <-told
		want := fmt.Sprintf("%s: another peer answers, %s: take the address that the other city prints now", b.Addrs()[0], b.ID())
		if f.Reason != WrongPeer || f.Err.Error() != want {
			t.Errorf("told %s: %v", f.Reason, f.Err)
		}
	})
}

func TestConnectedPeersAreRememberedWhereTheyCanBeDialed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newSimNet(t)
		a, b := n.host(t, 1), n.host(t, 2)
		saved, _ := OpenSaved("")
		serve(t, a, RedialConfig{Saved: saved})
		if err := b.Connect(t.Context(), peer.AddrInfo{ID: a.ID(), Addrs: a.Addrs()}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		got := saved.Peers()
		if len(got) != 1 || got[0].ID != b.ID() || len(got[0].Addrs) != 1 || !got[0].Addrs[0].Equal(n.addr(2)) {
			t.Errorf("remembered %v", got)
		}
	})
}

func TestANameIsFollowedUntilItResolves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newSimNet(t)
		a, b := n.host(t, 1), n.host(t, 2)
		records := &fakeTXT{err: errors.New("no such host")}
		var told []error
		serve(t, a, RedialConfig{
			Bootstrap: []ma.Multiaddr{ma.StringCast("/dnsaddr/cities.test")},
			Resolver:  &Resolver{TXT: records},
			Events:    RedialEvents{ResolveFailed: func(_ ma.Multiaddr, err error) { told = append(told, err) }},
		})
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(told) != 1 {
			t.Errorf("told %d times: %v", len(told), told)
		}
		records.set("_dnsaddr.cities.test", "dnsaddr="+p2p(t, b).String())
		waitConnected(t, a, b, urgentRetryMax+time.Second)
	})
}
