package bootstrap

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	mocknet "github.com/libp2p/go-libp2p/p2p/net/mock"
	p2pping "github.com/libp2p/go-libp2p/p2p/protocol/ping"
)

// testPrefix begins the DHT's protocol ID in tests.
const testPrefix = "/test"

func testDigest(city string) [sha256.Size]byte { return sha256.Sum256([]byte(city)) }

// town is one host of a test network with its name in the DHT.
type town struct {
	host.Host
	names *Names
	stop  func()
}

// newTown advertises name from h until stop or the end of the test.
func newTown(t *testing.T, h host.Host, name string) *town {
	t.Helper()
	names, err := NewNames(h, NamesConfig{Digest: testDigest, Prefix: testPrefix, City: name})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- names.Serve(context.Background()) }()
	stopped := false
	stop := func() {
		if stopped {
			return
		}
		stopped = true
		if err := errors.Join(names.Close(), <-done); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return &town{Host: h, names: names, stop: stop}
}

// mockTowns are towns of which each is connected to the first only, and can
// reach all.
type mockTowns struct {
	net   mocknet.Mocknet
	towns []*town
}

func newMockTowns(t *testing.T, count int) *mockTowns {
	t.Helper()
	m := &mockTowns{net: mocknet.New()}
	t.Cleanup(func() { m.net.Close() })
	for i := range count {
		m.add(t, fmt.Sprintf("t%d", i))
	}
	return m
}

func (m *mockTowns) add(t *testing.T, name string) *town {
	t.Helper()
	h, err := m.net.GenPeer()
	if err != nil {
		t.Fatal(err)
	}
	if err := m.net.LinkAll(); err != nil {
		t.Fatal(err)
	}
	added := newTown(t, h, name)
	if len(m.towns) > 0 {
		first := m.towns[0]
		if err := h.Connect(t.Context(), peer.AddrInfo{ID: first.ID(), Addrs: first.Addrs()}); err != nil {
			t.Fatal(err)
		}
	}
	m.towns = append(m.towns, added)
	return added
}

// ping asks for an answer, as a city's info call does.
func ping(ctx context.Context, h host.Host, id peer.ID) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	result, ok := <-p2pping.Ping(ctx, h, id)
	if !ok {
		return ctx.Err()
	}
	return result.Error
}

// holder verifies that the candidate is one town.
func holder(want *town) Verifier {
	return func(_ context.Context, info peer.AddrInfo) error {
		if info.ID != want.ID() {
			return errors.New("not that city")
		}
		return nil
	}
}

func anybody(context.Context, peer.AddrInfo) error { return nil }

func TestATownIsFoundByOneThatKnowsOnlyAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMockTowns(t, 10)
		time.Sleep(10 * time.Second)
		last := m.add(t, "")
		time.Sleep(time.Second)
		got, err := last.names.Lookup(t.Context(), "t7", holder(m.towns[7]))
		if err != nil {
			t.Fatal(err)
		}
		if got.ID != m.towns[7].ID() || len(got.Addrs) == 0 {
			t.Errorf("found %v", got)
		}
	})
}

func TestALiarIsPassedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMockTowns(t, 8)
		for range 3 {
			m.add(t, "t5") // provides a name that it does not hold
		}
		time.Sleep(10 * time.Second)
		got, err := m.towns[2].names.Lookup(t.Context(), "t5", holder(m.towns[5]))
		if err != nil || got.ID != m.towns[5].ID() {
			t.Errorf("found %v, %v", got, err)
		}
	})
}

func TestANameThatOnlyLiarsProvideIsNotFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMockTowns(t, 8)
		time.Sleep(10 * time.Second)
		lie := fmt.Errorf("it is another: %w", ErrOtherCity)
		_, err := m.towns[2].names.Lookup(t.Context(), "t5", func(context.Context, peer.AddrInfo) error { return lie })
		if !errors.Is(err, ErrNameNotFound) || !errors.Is(err, lie) {
			t.Errorf("got %v", err)
		}
		if undecided, ok := errors.AsType[*UndecidedError](err); ok {
			t.Errorf("undecided: %v", undecided)
		}
	})
}

func TestADeadProviderDoesNotHideTheLiving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newSimNet(t)
		var towns []*town
		for i, name := range []string{"t0", "t1", "t2", "t2", "t2", "t3"} {
			towns = append(towns, newTown(t, n.host(t, byte(i+1)), name))
			if i == 0 {
				continue
			}
			if err := towns[i].Connect(t.Context(), peer.AddrInfo{ID: towns[0].ID(), Addrs: towns[0].Addrs()}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(10 * time.Second)
		n.Cut(4, 5) // two that provide t2
		begin := time.Now()
		got, err := towns[5].names.Lookup(t.Context(), "t2", func(ctx context.Context, info peer.AddrInfo) error {
			return ping(ctx, towns[5], info.ID)
		})
		if took := time.Since(begin); err != nil || got.ID != towns[2].ID() || took > time.Second {
			t.Errorf("found %v, %v after %v", got, err, took)
		}
	})
}

func TestTheRecordOfADeadCityExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMockTowns(t, 8)
		time.Sleep(10 * time.Second)
		m.towns[5].stop()
		m.towns[5].Host.Close()
		candidates := func() int {
			n := 0
			for range m.towns[2].names.dht.FindProvidersAsync(t.Context(), m.towns[2].names.key("t5"), candidatesMax) {
				n++
			}
			return n
		}
		if n := candidates(); n != 1 {
			t.Errorf("%d providers at once, want 1", n)
		}
		time.Sleep(ProvideValidity + time.Minute)
		if n := candidates(); n != 0 {
			t.Errorf("%d providers after ProvideValidity, want none", n)
		}
		if _, err := m.towns[2].names.Lookup(t.Context(), "t6", holder(m.towns[6])); err != nil {
			t.Errorf("the living: %v", err)
		}
	})
}

func TestWithNobodyToAskALookupEndsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMockTowns(t, 1)
		begin := time.Now()
		for _, name := range []string{"t0", "t1"} { // itself is no candidate
			_, err := m.towns[0].names.Lookup(t.Context(), name, anybody)
			if !errors.Is(err, ErrNameNotFound) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if took := time.Since(begin); took > time.Second {
			t.Errorf("took %v", took)
		}
	})
}

func TestALookupEndsWithItsContextAndWithClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMockTowns(t, 8)
		time.Sleep(10 * time.Second)
		names := m.towns[2].names
		hang := func(ctx context.Context, _ peer.AddrInfo) error { <-ctx.Done(); return ctx.Err() }
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := names.Lookup(ctx, "t5", hang); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrNameNotFound) {
			t.Errorf("got %v", err)
		}
		time.AfterFunc(time.Second, func() { names.Close() })
		begin := time.Now()
		if _, err := names.Lookup(t.Context(), "t5", hang); err == nil || time.Since(begin) > 2*time.Second {
			t.Errorf("got %v after %v", err, time.Since(begin))
		}
		if _, err := names.Lookup(t.Context(), "t5", anybody); !errors.Is(err, errNamesClosed) {
			t.Errorf("after Close: %v", err)
		}
	})
}

func TestAHangingCandidateCostsNoMoreThanItsTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMockTowns(t, 8)
		time.Sleep(10 * time.Second)
		begin := time.Now()
		_, err := m.towns[2].names.Lookup(t.Context(), "t5", func(ctx context.Context, _ peer.AddrInfo) error { <-ctx.Done(); return ctx.Err() })
		if took := time.Since(begin); !errors.Is(err, ErrNameNotFound) || took > candidateTimeout+time.Second {
			t.Errorf("got %v after %v", err, took)
		}
		undecided, ok := errors.AsType[*UndecidedError](err)
		if !ok || undecided.Short || len(undecided.Silent) != 1 || undecided.Silent[0] != m.towns[5].ID() {
			t.Errorf("undecided %t: %+v", ok, undecided)
		}
	})
}

func TestTheKeyOfANameIsTheOneOfTheSpecification(t *testing.T) {
	n := Names{config: NamesConfig{Digest: func(city string) [sha256.Size]byte { return sha256.Sum256([]byte("citynode/1/main/" + city)) }}}
	// "b" and the base32 of 01 55 12 20 and the SHA-256 of citynode/1/main/gotham
	const want = "bafkreigd33v3fv3pgzbfdstq2pwxtdvrjrbkkkeofodbutsi6mdqmf5ntm"
	if got := n.key("gotham").String(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestNamesNeedADigestAndAPrefix(t *testing.T) {
	for _, config := range []NamesConfig{{}, {Digest: testDigest}, {Prefix: testPrefix}} {
		if _, err := NewNames(nil, config); err == nil {
			t.Errorf("%+v is accepted", config)
		}
	}
}

func TestTheDHTHasTheProtocolOfItsPrefix(t *testing.T) {
	net := mocknet.New()
	defer net.Close()
	h, err := net.GenPeer()
	if err != nil {
		t.Fatal(err)
	}
	names, err := NewNames(h, NamesConfig{Digest: testDigest, Prefix: testPrefix})
	if err != nil {
		t.Fatal(err)
	}
	const want = testPrefix + "/kad/1.0.0"
	if !slices.Contains(h.Mux().Protocols(), want) {
		t.Errorf("%v has no %s", h.Mux().Protocols(), want)
	}
	if err := names.Close(); err != nil {
		t.Fatal(err)
	}
	if slices.Contains(h.Mux().Protocols(), want) {
		t.Errorf("%s is served after Close", want)
	}
}
