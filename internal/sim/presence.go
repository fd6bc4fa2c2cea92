package sim

import (
	"fmt"
	"time"

	"github.com/citynode/citynode/city"
)

const (
	// suspectBehind is how far behind this city's clock all others must be for
	// it to suspect its own, suspectVoices how many others that takes.
	suspectBehind = 60 * time.Second
	suspectVoices = 2
	// hearingLasts is how long a presence counts, as a multiple of their
	// interval.
	hearingLasts = 3
)

// hearing is what a city knows of another one's clock.
type hearing struct {
	behind time.Duration // how far the other clock was behind; negative: ahead
	at     time.Duration // true time; 0: never
}

// sendPresence tells all others what this city's clock shows.
func (n *node) sendPresence() {
	if n.core == nil {
		return
	}
	sent := n.time()
	for _, to := range n.w.nodes {
		if to == n || !n.w.links.reaches(n, to) || n.w.chance(n.w.profile.lossPermil) {
			continue
		}
		n.w.after(n.w.delay(), "hear", func() { to.hear(n, sent) })
	}
	n.judgeClock()
}

func (n *node) hear(from *node, sent time.Time) {
	n.heard[from.index] = hearing{behind: n.time().Sub(sent), at: n.w.now}
	n.judgeClock()
}

// judgeClock takes the own clock for wrong if at least two others are heard,
// and all of them are far behind.
func (n *node) judgeClock() {
	if n.core == nil || n.w.cfg.sabotage == clockBlind {
		return
	}
	voices, behind := 0, 0
	for _, h := range n.heard {
		if h.at == 0 || n.w.now-h.at > hearingLasts*n.w.profile.presenceEvery {
			continue
		}
		voices++
		if h.behind > suspectBehind {
			behind++
		}
	}
	reason := ""
	if voices >= suspectVoices && behind == voices {
		reason = fmt.Sprintf("%d others are more than %v behind", behind, suspectBehind)
	}
	if (reason == "") != (n.core.Suspicion() == "") {
		n.w.counts.Suspicions++
		n.step(city.Suspect{Reason: reason})
		n.w.tracef("%v suspects its clock: %q", n, reason)
	}
}
