package bootstrap

import (
	"errors"
	"testing"
	"time"

	ma "github.com/multiformats/go-multiaddr"
)

func TestWhenANameIsProvidedAgain(t *testing.T) {
	here := []ma.Multiaddr{ma.StringCast("/ip4/192.0.2.1/tcp/1"), ma.StringCast("/ip4/192.0.2.1/tcp/2")}
	turned := []ma.Multiaddr{here[1], here[0]}
	there := []ma.Multiaddr{ma.StringCast("/ip4/192.0.2.7/tcp/1")}
	for _, c := range []struct {
		fact   string
		advert advert
		after  time.Duration
		size   int
		addrs  []ma.Multiaddr
		want   bool
	}{
		{"first, with nobody to tell", advert{}, 0, 0, here, false},
		{"first, with a peer", advert{}, 0, 1, here, true},
		{"nothing has changed", advert{size: 2, addrs: here}, 9 * time.Minute, 3, turned, false},
		{"a third of the validity has passed", advert{size: 2, addrs: here}, 10 * time.Minute, 2, here, true},
		{"the table has doubled", advert{size: 2, addrs: here}, provideSpacing, 4, here, true},
		{"the table has doubled just now", advert{size: 2, addrs: here}, provideSpacing / 2, 4, here, false},
		{"the addresses have changed", advert{size: 2, addrs: here}, provideSpacing, 2, there, true},
		{"it failed just now", advert{failures: 1}, retryBase, 1, here, false},
		{"it failed a while ago", advert{failures: 1}, 2 * retryBase, 1, here, true},
		{"it failed often", advert{failures: 1000}, provideRetryMax - time.Second, 1, here, false},
		{"it failed often, a minute ago", advert{failures: 1000}, provideRetryMax, 1, here, true},
	} {
		now := time.Unix(1_800_000_000, 0)
		if c.advert.size > 0 || c.advert.failures > 0 {
			c.advert.tried = now
		}
		if got := c.advert.due(now.Add(c.after), c.size, c.addrs); got != c.want {
			t.Errorf("%s: due is %v", c.fact, got)
		}
	}
}

func TestANameIsProvidedAgainToTheFirstPeersAfterNone(t *testing.T) {
	var a advert
	now := time.Unix(1_800_000_000, 0)
	a.done(now, 8, nil, nil)
	now = now.Add(provideSpacing)
	if a.due(now, 1, nil) {
		t.Error("due in a table that shrank")
	}
	if a.due(now, 0, nil) {
		t.Error("due with nobody to tell")
	}
	if !a.due(now, 1, nil) {
		t.Error("not due with the first peer after none")
	}
	a.done(now, 1, nil, errors.New("odd"))
	if !a.due(now.Add(time.Second), 1, nil) {
		t.Error("not due after a failure")
	}
}
