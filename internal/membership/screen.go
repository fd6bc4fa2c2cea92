package membership

import (
	"context"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/time/rate"

	"github.com/citynode/citynode/protocol"
)

// What is passed on, and asked about, of presences. A network of any size sends about one
// in 2 s (see interval) but for bursts in which cities meet, and a presence that is left
// out comes again.
const (
	// authorRate, a second, and authorBurst bound the presences of one author: a city that
	// meets fifty others at once greets each.
	authorRate, authorBurst = 2, 64
	// bringerRate and bringerBurst bound what a city of the directory may bring of authors
	// that are not in it, strangerRate and strangerBurst what any other peer may. A
	// stranger's are less, so that a city that passes on what several strangers invent is
	// not taken for one itself.
	bringerRate, bringerBurst   = 4, 64
	strangerRate, strangerBurst = 0.5, 32
	// screenedMax bounds the authors and the senders that are remembered, of each. One
	// that is forgotten begins anew; to be forgotten it needs as many others.
	screenedMax = 4096
)

// A Screen judges messages of the presence topic. Its methods are safe for concurrent use:
// GossipSub calls them on several goroutines at once.
type Screen struct {
	own       peer.ID
	directory *Directory

	mu       sync.Mutex // guards the rest
	byAuthor *lru.Cache[peer.ID, *rate.Limiter]
	bySender *lru.Cache[peer.ID, *rate.Limiter]
}

// NewScreen returns a screen of a node, which knows the cities of the directory.
func NewScreen(own peer.ID, directory *Directory) *Screen {
	return &Screen{own: own, directory: directory, byAuthor: newBudgets(), bySender: newBudgets()}
}

func newBudgets() *lru.Cache[peer.ID, *rate.Limiter] {
	of, err := lru.New[peer.ID, *rate.Limiter](screenedMax)
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	return of
}

// Validate rejects what is no presence or is too long, and ignores what is beyond the
// budget of its author or, of authors who are not known, of its sender. It leaves what it
// has decoded to receive, so that a presence is decoded once.
func (s *Screen) Validate(_ context.Context, sender peer.ID, m *pubsub.Message) pubsub.ValidationResult {
	if len(m.Data) > PresenceBytesMax {
		return pubsub.ValidationReject
	}
	var news protocol.Presence
	if err := protocol.UnmarshalLenient(m.Data, &news); err != nil {
		return pubsub.ValidationReject
	}
	m.ValidatorData = news
	if author := m.GetFrom(); author != s.own && !s.admits(author, sender, time.Now()) {
		return pubsub.ValidationIgnore
	}
	return pubsub.ValidationAccept
}

// admits reports whether there is room for one more presence of the author that the sender
// has brought.
func (s *Screen) admits(author, sender peer.ID, now time.Time) bool {
	_, known := s.directory.Get(author)
	_, trusted := s.directory.Get(sender)
	s.mu.Lock()
	defer s.mu.Unlock()
	if known {
		return allows(s.byAuthor, author, authorRate, authorBurst, now)
	}
	if trusted {
		return allows(s.bySender, sender, bringerRate, bringerBurst, now)
	}
	return allows(s.bySender, sender, strangerRate, strangerBurst, now)
}

// allows takes one from a budget, if there is one left. Who was a stranger before has the
// budget of what it is now.
func allows(of *lru.Cache[peer.ID, *rate.Limiter], p peer.ID, perSecond rate.Limit, burst int, now time.Time) bool {
	budget, ok := of.Get(p)
	if !ok || budget.Limit() != perSecond {
		budget = rate.NewLimiter(perSecond, burst)
		of.Add(p, budget)
	}
	return budget.AllowN(now, 1)
}
