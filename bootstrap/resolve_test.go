package bootstrap

import (
	"context"
	"fmt"
	"sync"
	"testing"

	ma "github.com/multiformats/go-multiaddr"
)

// fakeTXT answers from a map.
type fakeTXT struct {
	mu      sync.Mutex
	err     error
	records map[string][]string
	asked   int
}

func (f *fakeTXT) LookupTXT(ctx context.Context, name string) ([]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	if f.err != nil {
		return nil, f.err
	}
	return f.records[name], ctx.Err()
}

func (f *fakeTXT) set(name string, records ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.records == nil {
		f.records = make(map[string][]string)
	}
	f.err = nil
	f.records[name] = records
}

const (
	peerA = "12D3KooWDmpGjHR2Do6y9HcSfXjmE2HJDNYAF6Sp36q6ygGtNq1e"
	peerB = "12D3KooWEjnvfNVT98GNmmfw9KXf4r88QWVnhJ58VCLhKoRWcf1H"
)

func TestNamesAreFollowedAndPeersMerged(t *testing.T) {
	var txt fakeTXT
	txt.set("_dnsaddr.a.test", "dnsaddr=/ip4/192.0.2.1/tcp/1/p2p/"+peerA, "dnsaddr=/dnsaddr/b.test", "something else")
	txt.set("_dnsaddr.b.test", "dnsaddr=/ip4/192.0.2.2/tcp/1/p2p/"+peerB, "dnsaddr=/ip4/192.0.2.3/tcp/1", "dnsaddr=/ip4/0.0.0.0/tcp/1/p2p/"+peerA)
	r := &Resolver{TXT: &txt}
	got, err := r.Resolve(t.Context(), []ma.Multiaddr{
		ma.StringCast("/ip4/192.0.2.9/tcp/1/p2p/" + peerA),
		ma.StringCast("/dnsaddr/a.test"),
	})
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("[{%s: [/ip4/192.0.2.9/tcp/1 /ip4/192.0.2.1/tcp/1]} {%s: [/ip4/192.0.2.2/tcp/1]}]", peerA, peerB)
	if fmt.Sprint(got) != want {
		t.Errorf("got %v\nwant %s", got, want)
	}
}

func TestANameWithAPeerGivesThatPeerOnly(t *testing.T) {
	var txt fakeTXT
	txt.set("_dnsaddr.a.test", "dnsaddr=/ip4/192.0.2.1/tcp/1/p2p/"+peerA, "dnsaddr=/ip4/192.0.2.2/tcp/1/p2p/"+peerB)
	got, err := (&Resolver{TXT: &txt}).Resolve(t.Context(), []ma.Multiaddr{ma.StringCast("/dnsaddr/a.test/p2p/" + peerB)})
	if err != nil || len(got) != 1 || got[0].ID.String() != peerB {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestNamesThatGoInCirclesEnd(t *testing.T) {
	var txt fakeTXT
	txt.set("_dnsaddr.a.test", "dnsaddr=/dnsaddr/a.test", "dnsaddr=/dnsaddr/a.test")
	got, err := (&Resolver{TXT: &txt}).Resolve(t.Context(), []ma.Multiaddr{ma.StringCast("/dnsaddr/a.test")})
	if err == nil || len(got) != 0 {
		t.Errorf("got %v, %v", got, err)
	}
	if txt.asked > 1<<resolveDepthMax {
		t.Errorf("asked %d times", txt.asked)
	}
}

func TestANameGivesABoundedNumberOfAddresses(t *testing.T) {
	var txt fakeTXT
	var records []string
	for i := range 3 * resolvedAddrsMax {
		records = append(records, fmt.Sprintf("dnsaddr=/ip4/192.0.2.1/tcp/%d/p2p/%s", i+1, peerA))
	}
	txt.set("_dnsaddr.a.test", records...)
	got, err := (&Resolver{TXT: &txt}).Resolve(t.Context(), []ma.Multiaddr{ma.StringCast("/dnsaddr/a.test")})
	if err != nil || len(got) != 1 || len(got[0].Addrs) != addrsMax {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestANameThatLeadsNowhereDoesNotHideTheOthers(t *testing.T) {
	var txt fakeTXT
	txt.set("_dnsaddr.a.test")
	txt.set("_dnsaddr.b.test", "dnsaddr=/ip4/192.0.2.2/tcp/1/p2p/"+peerB)
	got, err := (&Resolver{TXT: &txt}).Resolve(t.Context(), []ma.Multiaddr{
		ma.StringCast("/dnsaddr/a.test"), ma.StringCast("/dnsaddr/b.test"),
	})
	if err == nil || len(got) != 1 || got[0].ID.String() != peerB {
		t.Errorf("got %v, %v, want %s and an error of the other name", got, err, peerB)
	}
}
