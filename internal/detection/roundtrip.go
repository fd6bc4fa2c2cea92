package detection

import "time"

const (
	// patienceMin is the least time in which an answer is waited for: above the pauses of
	// a busy machine, and above the first retransmission of QUIC and of TCP.
	patienceMin = 350 * time.Millisecond
	// patienceMax is the most, so that a peer cannot make itself unjudged by answering ever
	// later.
	patienceMax = 2500 * time.Millisecond
	// patienceFirst is for a peer whose round trips are not known yet: two and a half of the
	// worst of networks, 600 ms each.
	patienceFirst = 1500 * time.Millisecond
	// patienceMargin is added to what round trips show, for the timers of both sides.
	patienceMargin = 50 * time.Millisecond
	// probeAfterMin is how soon an address may be probed: a refusal proves much, so the
	// wait before it is shorter than that for a suspicion.
	probeAfterMin = 100 * time.Millisecond
	// sampleMax is the longest round trip that is learned from. What takes longer was held
	// up by something that is not the way to the peer, such as a cut.
	sampleMax = 2 * time.Second
)

// A roundTrip is how long answers of one peer take, smoothed as in RFC 6298.
type roundTrip struct{ mean, dev time.Duration }

// sample learns from one answer.
func (r *roundTrip) sample(took time.Duration) {
	switch {
	case took < 0 || took > sampleMax:
	case r.mean == 0:
		r.mean, r.dev = max(took, 1), took/2
	default:
		off := took - r.mean
		r.mean = max(r.mean+off/8, 1)
		r.dev += (max(off, -off) - r.dev) / 4
	}
}

// expected returns within what time an answer is all but sure to come, and false where
// no answer has come yet.
func (r roundTrip) expected() (time.Duration, bool) {
	return r.mean + 4*r.dev + patienceMargin, r.mean > 0
}

// patience returns how long an answer is waited for before its peer is suspect.
func (r roundTrip) patience() time.Duration {
	expected, known := r.expected()
	if !known {
		return patienceFirst
	}
	return min(max(expected, patienceMin), patienceMax)
}

// probeAfter returns how long an answer is waited for before the peer's address is probed.
func (r roundTrip) probeAfter() time.Duration {
	expected, known := r.expected()
	if !known {
		return patienceMin
	}
	return min(max(expected, probeAfterMin), patienceMax)
}
