package node

import (
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/time/rate"

	"github.com/citynode/citynode/protocol"
)

// What one peer's calls may cost: a call costs 1 and another 1 for each
// costBytes of its body, about three heroes.
const (
	costBytes = 256
	// costRate, a second, lets a peer bring 16 MiB or make 64k small calls.
	costRate = 64 << 10
	// costBurst is four seconds of that, so that a large update goes through
	// in one go.
	costBurst = 4 * costRate
	// bucketsMax bounds the peers whose spending is remembered, at about 200
	// bytes each.
	bucketsMax = 4096
)

// admission says whether a peer may still make a call, by its cost.
type admission struct {
	buckets *lru.Cache[string, *rate.Limiter]
}

// newAdmission returns an admission that has seen no caller.
func newAdmission() *admission {
	buckets, err := lru.New[string, *rate.Limiter](bucketsMax)
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	return &admission{buckets: buckets}
}

// call refuses, as busy, what goes beyond the caller's budget.
func (a *admission) call(c *protocol.Call) error {
	bucket, ok := a.buckets.Get(c.Caller)
	if !ok {
		bucket = rate.NewLimiter(costRate, costBurst)
		a.buckets.Add(c.Caller, bucket)
	}
	if bucket.AllowN(time.Now(), 1+len(c.Request.Body)/costBytes) {
		return nil
	}
	return protocol.Errorf(protocol.Busy, "peer %s calls too much; try again after a pause", peer.ID(c.Caller))
}
