package twins

import (
	"time"

	"github.com/hashicorp/golang-lru/v2"
	ma "github.com/multiformats/go-multiaddr"
	"golang.org/x/time/rate"
)

const (
	// hintsMax bounds the addresses that wait to be dialed. One that does not fit comes
	// again with its reason.
	hintsMax = 64
	// triedMax bounds the addresses that are remembered as dialed.
	triedMax = 1024
	// againAfter is how soon an address is dialed again: soon enough for a twin that did
	// not serve yet.
	againAfter = 4 * time.Second
	// ownAfter is how soon an address is dialed again at which this process was found
	// itself, such as one that others see it under.
	ownAfter = time.Minute
	// dialRate is how many addresses are dialed a second, dialBurst how many at once.
	// Anybody can give reasons, so they cost no more, whoever gives them.
	dialRate  = 4
	dialBurst = 16
)

// hints decide which addresses are dialed, and when. The goroutine that dials owns them.
type hints struct {
	tried *lru.Cache[string, time.Time] // when each may be dialed again
	limit *rate.Limiter
	told  time.Time // when somebody was last told of a twin; zero: never
}

func newHints() *hints {
	tried, err := lru.New[string, time.Time](triedMax)
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	return &hints{tried: tried, limit: rate.NewLimiter(dialRate, dialBurst)}
}

// due reports whether an address is to be dialed now, and notes that it is.
func (h *hints) due(addr ma.Multiaddr, now time.Time) bool {
	if next, known := h.tried.Get(string(addr.Bytes())); known && now.Before(next) || !h.limit.AllowN(now, 1) {
		return false
	}
	h.tried.Add(string(addr.Bytes()), now.Add(againAfter))
	return true
}

// own notes that an address is that of this process.
func (h *hints) own(addr ma.Multiaddr, now time.Time) {
	h.tried.Add(string(addr.Bytes()), now.Add(ownAfter))
}

// tell reports whether somebody is to be told of a twin that goes on being there, and notes
// that it was done.
func (h *hints) tell(now time.Time) bool {
	if !h.told.IsZero() && now.Sub(h.told) < warnEvery {
		return false
	}
	h.told = now
	return true
}
