package node

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/citynode/citynode/protocol"
)

const (
	// resettingStreams is how many streams the foe of this test opens, within a second.
	resettingStreams = 300
	// logLinesMax is how many lines of the log that is worth: one when it begins and one
	// that counts the others, of two kinds at most.
	logLinesMax = 4
)

// linesOf returns the lines of the log that are at least warnings and name the peer.
func (l *problemLog) linesOf(peer string) (lines []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.lines.String()) {
		if strings.Contains(line, peer) {
			lines = append(lines, line)
		}
	}
	return lines
}

func TestAPeerThatResetsStreamsFillsNoLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newSimNet(t)
		var log problemLog
		gotham := net.start(t, log.attach(quiet("gotham")))
		awaitReady(t, gotham)
		foe := newStranger(t, net)
		foe.meets(t, gotham)
		methods := []string{"get", "watch", "settle", "update", "assign", "cities"}
		for i := range resettingStreams {
			stream := foe.callStream(t, gotham)
			body := protocol.RawItem{0xa0}
			if m := methods[i%len(methods)]; m == "settle" || m == "cities" {
				body = nil
			}
			request, err := protocol.Marshal(protocol.Request{Method: methods[i%len(methods)], ID: newID(), Body: body})
			if err != nil {
				t.Fatal(err)
			}
			if err := protocol.WriteFrame(stream, request); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Duration(i%7) * 500 * time.Microsecond)
			_ = stream.Reset()
		}
		time.Sleep(3 * time.Minute)
		lines := log.linesOf(foe.ID().String())
		if len(lines) > logLinesMax {
			t.Errorf("%d lines for %d streams:\n%s", len(lines), resettingStreams, strings.Join(lines, ""))
		}
	})
}
