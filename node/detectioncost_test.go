package node

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// detectionBytesMax is what detection may have a city send a second, besides all else that
// it sends.
const detectionBytesMax = 300

// Bytes are those of whole packets, so that what detection adds to packets that are sent
// anyway, and what it saves by keeping connections awake, is counted as the network would.
func TestDetectionCostsLittle(t *testing.T) {
	sizes := []int{3, 12}
	if *detectionFlag > 0 {
		sizes = slices.Compact([]int{20, *detectionFlag})
	}
	for _, n := range sizes {
		without := bytesSent(t, n, true)
		with := bytesSent(t, n, false)
		t.Logf("%d cities send %.0f bytes a second each, heads of IP and UDP included, and %.0f without detection: it costs %.0f",
			n, with, without, with-without)
		if with-without > detectionBytesMax {
			t.Errorf("want at most %d", detectionBytesMax)
		}
	}
}

// bytesSent returns how many bytes a second each of n idle cities sends.
func bytesSent(t *testing.T, n int, unwatched bool) (each float64) {
	synctest.Test(t, func(t *testing.T) {
		const lasts = 4 * time.Minute
		net := newSimNet(t)
		cities := detectorsAs(t, net, n, func(cfg *Config) { cfg.unwatched = unwatched })
		before := net.sentBy(cities)
		time.Sleep(lasts)
		each = float64(net.sentBy(cities)-before) / lasts.Seconds() / float64(n)
	})
	return each
}

// sentBy returns how many bytes the members have sent so far.
func (n *simNet) sentBy(members []*member) (all int64) {
	for _, m := range members {
		all += n.Sent(numberOf(m.host))
	}
	return all
}
