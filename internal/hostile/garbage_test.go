//go:build linux

package hostile

import (
	"context"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"

	"github.com/citynode/citynode/protocol"
)

// garbage opens streams for calls and for syncs to each city, one after another, and
// writes random bytes on each.
var garbage = newAttack("garbage", func(ctx context.Context, task attackTask, counts *tally) error {
	return asStranger(task, func(h host.Host, targets []peer.AddrInfo) error {
		for bytes := make([]byte, 1<<10); ctx.Err() == nil; {
			for i := range bytes {
				bytes[i] = byte(rand.Uint32())
			}
			for _, target := range targets {
				for _, id := range []string{protocol.CallID(protocol.DefaultNetwork), protocol.SyncID(protocol.DefaultNetwork)} {
					if err := h.Connect(ctx, target); err != nil {
						counts.add("dials that failed")
						pause(ctx, lookEvery)
						continue
					}
					counts.add(writeGarbage(ctx, h, target.ID, libp2pprotocol.ID(id), bytes))
				}
			}
		}
		return nil
	})
})

// writeGarbage writes bytes on a new stream, reads what is answered, and returns what became
// of it.
func writeGarbage(ctx context.Context, h host.Host, city peer.ID, id libp2pprotocol.ID, bytes []byte) string {
	stream, err := h.NewStream(ctx, city, id)
	if err != nil {
		return "streams refused"
	}
	defer stream.Reset() //nolint:errcheck // ending anyway
	_ = stream.SetDeadline(time.Now().Add(protocol.FrameTimeout))
	_, _ = stream.Write(bytes)
	_ = stream.CloseWrite() // else a city waits for the rest of what the first bytes promise
	_, _ = io.Copy(io.Discard, stream)
	return "streams of garbage"
}

func TestGarbageHoldsUpNobody(t *testing.T) {
	c := newCluster(t, threeCities()...)
	r := c.endure(t, attackTask{Attack: garbage, From: privateNet + ".66.6", Shown: "streams of garbage"}, nil)
	r.judge(t)
}
