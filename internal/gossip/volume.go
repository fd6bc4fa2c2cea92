package gossip

import (
	"math"
	"slices"
	"sync"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/internal/wake"
)

// A volume is how many messages, and bytes of them.
type volume struct{ messages, bytes float64 }

// What may come by gossip, a second and at once. A city sends one delta in 5 ms, or more of
// them where they are full, at the pace of its publisher; whoever is known for some time
// may pass on those of many others. GossipSub remembers each message that it has seen, by
// some 300 bytes, for up to a minute more than seenFor: strangers together cannot make it
// remember more than 50,000, which are 15 MB.
var (
	strangerRate, strangerBurst   = volume{256, 1 << 20}, volume{1024, 2 << 20}
	strangersRate, strangersBurst = volume{512, 2 << 20}, volume{2048, 4 << 20}
	knownRate, knownBurst         = volume{8192, 64 << 20}, volume{32 << 10, 128 << 20}
	// An author's own messages, whoever passes them on. A stranger that many pass on is
	// one stranger.
	authorRate, authorBurst           = volume{128, 1 << 20}, volume{512, 2 << 20}
	knownAuthorRate, knownAuthorBurst = volume{1024, publishBytesPerSecond * 5 / 4}, volume{8192, 64 << 20}
)

const (
	// seenFor is for how long GossipSub remembers a message at least. A message goes round
	// for the few seconds in which heartbeats tell of it.
	seenFor = 30 * time.Second
	// metersMax bounds the peers and authors whose volume is remembered, at about 150 bytes
	// each. A stranger that is not remembered has what all strangers have.
	metersMax = 4096
	// overFree is how many messages over its volume cost a peer nothing, overCost how many
	// more cost it a point, and overPointsMax what they cost at most: as much as keeps the
	// peer out for some minutes after it has ended. Of a long message each overBytes count
	// as one. At 1,000 a second too many it is told of nothing, at 2,000 it is not listened
	// to.
	overFree      = 1024
	overCost      = 16
	overPointsMax = 2000
	overBytes     = 4 << 10
	// cutOver is how many a stranger has sent too many whose connections are closed: what is
	// ignored has to be read all the same. Whoever comes again is closed after cutAgain
	// more.
	cutOver  = 2048
	cutAgain = 64
	// overForgets is the time in which the count of them decays to a hundredth.
	overForgets = time.Minute
)

// volumes bound what comes from each peer, and what each author has signed. Their methods
// are safe for concurrent use.
type volumes struct {
	known   func(peer.ID) bool
	now     func() time.Time
	flooded wake.Signal // is set when flooders may return somebody

	mu        sync.Mutex // guards all below, and what they point to
	peers     map[peer.ID]*meter
	authors   map[peer.ID]*meter
	strangers meter // all of them, as peers
	ignored   uint64
}

// A meter is what a peer may still send, and how much it has sent beyond.
type meter struct {
	rate, burst, left volume
	at                time.Time
	over              decaying
	cutAt             float64 // beyond so much over its connections are closed
}

func newVolumes(known func(peer.ID) bool) *volumes {
	v := &volumes{known: known, now: time.Now, flooded: wake.NewSignal(), peers: make(map[peer.ID]*meter), authors: make(map[peer.ID]*meter)}
	v.strangers = newMeter(strangersRate, strangersBurst, v.now())
	return v
}

func newMeter(rate, burst volume, now time.Time) meter {
	return meter{rate: rate, burst: burst, left: burst, at: now, cutAt: cutOver}
}

// fill adds what has become free since the last time.
func (m *meter) fill(now time.Time) {
	s := max(now.Sub(m.at), 0).Seconds()
	m.left.messages = min(m.burst.messages, m.left.messages+s*m.rate.messages)
	m.left.bytes = min(m.burst.bytes, m.left.bytes+s*m.rate.bytes)
	m.at = now
}

// has reports whether there is room for one message. Its bytes may be more than what is
// left: the next one waits for longer then.
func (m *meter) has() bool { return m.left.messages >= 1 && m.left.bytes > 0 }

func (m *meter) take(bytes int) {
	m.left.messages--
	m.left.bytes -= float64(bytes)
}

// A decaying count was that high at a time, and decays since.
type decaying struct {
	count float64
	seen  time.Time
}

// at returns what is left of the count.
func (d decaying) at(now time.Time) float64 {
	return d.count * math.Pow(0.01, float64(now.Sub(d.seen))/float64(overForgets))
}

func (d *decaying) add(n float64, now time.Time) { *d = decaying{d.at(now) + n, now} }

// whole reports whether nothing is to be remembered of the peer.
func (m *meter) whole(now time.Time) bool {
	m.fill(now)
	return m.left == m.burst && m.over.at(now) < 1
}

// inspect takes the messages out of an RPC that are more than its sender may send. What
// controls the mesh stays.
func (v *volumes) inspect(from peer.ID, rpc *pubsub.RPC) error {
	if len(rpc.Publish) == 0 {
		return nil
	}
	known := v.known(from)
	v.mu.Lock()
	defer v.mu.Unlock()
	now := v.now()
	m := v.meterOf(from, false, known, now)
	all := &v.strangers
	if all.fill(now); known {
		all = m
	}
	kept := 0
	for ; kept < len(rpc.Publish) && m.has() && all.has(); kept++ {
		bytes := len(rpc.Publish[kept].GetData())
		if m.take(bytes); all != m {
			all.take(bytes)
		}
	}
	if kept < len(rpc.Publish) {
		v.ignored += uint64(len(rpc.Publish) - kept)
		for _, more := range rpc.Publish[kept:] {
			m.over.add(overOf(len(more.GetData())), now)
		}
		rpc.Publish = rpc.Publish[:kept]
		if !known && m.over.at(now) > m.cutAt {
			v.flooded.Set()
		}
	}
	return nil
}

// overOf returns for how many messages one of so many bytes counts that is too much.
func overOf(bytes int) float64 { return float64(max(1, bytes/overBytes)) }

// flooders returns the strangers whose connections are to be closed, and begins to count
// anew what they send too much, but for their score.
func (v *volumes) flooders() []peer.ID {
	return slices.DeleteFunc(v.tooMany(), v.known)
}

// tooMany returns the peers that have sent cutOver too many, and cutAgain more since they
// were returned last.
func (v *volumes) tooMany() (some []peer.ID) {
	v.mu.Lock()
	defer v.mu.Unlock()
	now := v.now()
	for p, m := range v.peers {
		over := m.over.at(now)
		if over > m.cutAt {
			some = append(some, p)
			m.cutAt = over + cutAgain
		}
		m.cutAt = max(cutOver, min(m.cutAt, over+cutAgain))
	}
	return some
}

// author reports whether a message of an author may be taken and passed on. An author who
// sends too much by itself pays for it as a peer.
func (v *volumes) author(author, from peer.ID, bytes int) bool {
	known := v.known(author)
	v.mu.Lock()
	defer v.mu.Unlock()
	now := v.now()
	m := v.meterOf(author, true, known, now)
	if m.has() {
		m.take(bytes)
		return true
	}
	v.ignored++
	if author == from {
		v.meterOf(from, false, known, now).over.add(overOf(bytes), now)
	}
	return false
}

// meterOf returns the meter of a peer or an author. Callers hold mu.
func (v *volumes) meterOf(p peer.ID, author, known bool, now time.Time) *meter {
	of := v.peers
	if author {
		of = v.authors
	}
	rate, burst := limitsOf(author, known)
	if m := of[p]; m != nil {
		m.rate, m.burst = rate, burst // it may have become known meanwhile
		m.fill(now)
		return m
	}
	m := newMeter(rate, burst, now)
	if len(of) >= metersMax {
		for other, m := range of {
			if m.whole(now) {
				delete(of, other)
			}
		}
	}
	if len(of) >= metersMax && !known {
		return &v.strangers
	}
	of[p] = &m
	return &m
}

func limitsOf(author, known bool) (rate, burst volume) {
	switch {
	case author && known:
		return knownAuthorRate, knownAuthorBurst
	case author:
		return authorRate, authorBurst
	case known:
		return knownRate, knownBurst
	default:
		return strangerRate, strangerBurst
	}
}

// score returns what a peer's messages over its volume cost it, at most 0.
func (v *volumes) score(p peer.ID) float64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	m := v.peers[p]
	if m == nil {
		return 0
	}
	over := m.over.at(v.now())
	return -min(max(over-overFree, 0)/overCost, overPointsMax)
}

// dropped returns how many messages were ignored for their volume, so far.
func (v *volumes) dropped() uint64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.ignored
}
