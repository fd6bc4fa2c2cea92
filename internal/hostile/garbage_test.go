//go:build linux

package hostile

import (
	"context"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"

	"github.com/citynode/citynode/protocol"
)

// garbage opens streams for calls and for syncs to each city, one after another, and
// writes random bytes on each.
var garbage = newAttack("garbage", func(ctx context.Context, task attackTask, counts *tally) error {
	targets, err := task.targets()
	if err != nil {
		return err
	}
	h, err := newForeignHost(task.From)
	if err != nil {
		return err
	}
	defer h.Close()
	for bytes := make([]byte, 1<<10); ctx.Err() == nil; {
		for i := range bytes {
			bytes[i] = byte(rand.Uint32())
		}
		for _, target := range targets {
			for _, id := range []string{protocol.CallID(protocol.DefaultNetwork), protocol.SyncID(protocol.DefaultNetwork)} {
				if err := h.Connect(ctx, target); err != nil {
					counts.add("dials that failed")
					<-time.After(lookEvery)
					continue
				}
				stream, err := h.NewStream(ctx, target.ID, libp2pprotocol.ID(id))
				if err != nil {
					counts.add("streams refused")
					continue
				}
				_ = stream.SetDeadline(time.Now().Add(protocol.FrameTimeout))
				_, _ = stream.Write(bytes)
				_, _ = io.Copy(io.Discard, stream)
				_ = stream.Reset()
				counts.add("streams of garbage")
			}
		}
	}
	return nil
})

func TestGarbageHoldsUpNobody(t *testing.T) {
	c := newCluster(t, threeCities()...)
	r := c.endure(t, attackTask{Attack: garbage, From: privateNet + ".66.6"}, nil)
	r.judge(t)
	if r.counts["streams of garbage"] == 0 {
		t.Error("the attack has not begun")
	}
}
