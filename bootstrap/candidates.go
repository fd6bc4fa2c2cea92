package bootstrap

import (
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	// candidateRestMin is for how long a candidate that could not be asked is left alone
	// by lookups. Each time it cannot be asked again that doubles, up to candidateRestMax.
	// A city that is back is known by its presence long before, where any city that is
	// connected has heard of it.
	candidateRestMin = 30 * time.Second
	candidateRestMax = 10 * time.Minute
	// failedMax bounds the candidates that are remembered. To be forgotten before its time
	// one needs as many others, each with a key of its own.
	failedMax = 1024
)

// candidates remembers the candidates of lookups that could not be asked. Anybody may
// provide any name, at addresses of anybody's, and would otherwise have each lookup dial
// them anew. Its methods are safe for concurrent use.
type candidates struct {
	mu     sync.Mutex // guards failed
	failed *lru.Cache[peer.ID, failure]
}

// A failure is how often a candidate could not be asked, and until when it is to rest.
type failure struct {
	times int
	until time.Time
}

func newCandidates() *candidates {
	failed, err := lru.New[peer.ID, failure](failedMax)
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	return &candidates{failed: failed}
}

// rests reports whether a candidate is to be left alone. One that is connected is not.
func (c *candidates) rests(h host.Host, p peer.ID, now time.Time) bool {
	if h.Network().Connectedness(p) == network.Connected {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	was, ok := c.failed.Get(p)
	return ok && now.Before(was.until)
}

// note notes whether a candidate could be asked.
func (c *candidates) note(p peer.ID, asked bool, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if asked {
		c.failed.Remove(p)
		return
	}
	was, _ := c.failed.Get(p)
	rest := candidateRestMax
	if was.times < 16 {
		rest = min(candidateRestMin<<was.times, candidateRestMax)
	}
	c.failed.Add(p, failure{times: was.times + 1, until: now.Add(rest)})
}
