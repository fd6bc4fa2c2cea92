package membership

import (
	"time"

	"github.com/hashicorp/golang-lru/v2"
	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	// promptMax is how long a prompt answer takes, dialing included: several round trips
	// of the worst of networks.
	promptMax = time.Second
	// latePoints is how many prompt answers make up for a late one. It is more than one,
	// for a peer that is late every other time holds workers up as well.
	latePoints = 2
	// atOnceMax is how many questions in a row a peer may be late with before it has to
	// rest: a city that starts anew is asked once in vain at its old connection, and once
	// before it serves.
	atOnceMax = 2
	// restMin is the first rest. Each is twice as long as the one before, up to restMax:
	// then a peer that shows itself and never answers takes a thirteenth of a worker's
	// time. A new connection ends the rest. So a city that can be reached again is known
	// at once, or within restMax where it does not connect itself.
	restMin = time.Second
	restMax = time.Minute
	// pointsMax keeps what a peer has to make up for within a few answers. It is what
	// leads to the longest rest.
	pointsMax = latePoints * (atOnceMax + 7)
	// tardyMax bounds the peers that are remembered as late. To be forgotten a peer
	// needs as many others that are late, each with a key of its own.
	tardyMax = 1024
)

// A patience remembers the peers that were late with an answer, or did not answer, and
// so held a worker up. The caller guards it.
type patience struct{ byPeer *lru.Cache[peer.ID, lateness] }

// A lateness is how often a peer was late, and until when it is to rest.
type lateness struct {
	points int // latePoints each time, less one for each prompt answer
	until  time.Time
}

func newPatience() *patience {
	byPeer, err := lru.New[peer.ID, lateness](tardyMax)
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	return &patience{byPeer: byPeer}
}

// late notes that the peer held a worker up.
func (p *patience) late(who peer.ID, now time.Time) {
	was, _ := p.byPeer.Get(who)
	was.points = min(was.points+latePoints, pointsMax)
	if beyond := was.points/latePoints - atOnceMax; beyond > 0 {
		was.until = now.Add(rest(beyond))
	}
	p.byPeer.Add(who, was)
}

// prompt notes that the peer answered promptly.
func (p *patience) prompt(who peer.ID) {
	was, known := p.byPeer.Get(who)
	switch {
	case !known:
	case was.points <= 1:
		p.byPeer.Remove(who)
	default:
		p.byPeer.Add(who, lateness{points: was.points - 1})
	}
}

// rest returns how long the nth rest is.
func rest(n int) time.Duration {
	long := restMin
	for ; n > 1 && long < restMax; n-- {
		long *= 2
	}
	return min(long, restMax)
}

// isTardy reports whether the peer has been late and has not made up for it.
func (p *patience) isTardy(who peer.ID) bool { return p.byPeer.Contains(who) }

// rests reports whether the peer is to rest still.
func (p *patience) rests(who peer.ID, now time.Time) bool {
	was, _ := p.byPeer.Get(who)
	return now.Before(was.until)
}
