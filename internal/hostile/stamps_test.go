//go:build linux

package hostile

import (
	"context"
	"testing"
	"time"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/protocol"
)

// farStamps stamps every hero that it finds as far ahead as cities just take, as if
// somebody on a fast clock had just ordered it away, again and again.
var farStamps = newAttack("stamps far ahead", func(ctx context.Context, task attackTask, counts *tally) error {
	return eachCaller(ctx, task, func(ctx context.Context, client *protocol.Client) {
		for ctx.Err() == nil {
			state := crdt.NewState()
			_, err := client.Get(ctx, protocol.GetRequest{}, func(e crdt.Entries) error {
				state.Merge(e, crdt.NoHorizon)
				return nil
			})
			if err != nil {
				return
			}
			e, _, _ := state.Page(0, protocol.FrameBytesMax/2)
			e.Tombstones = nil
			stamp := crdt.StampAt(time.Now().Add(crdt.FutureSkewMax - 20*time.Millisecond))
			for i := range e.Heroes {
				e.Heroes[i].Version = crdt.Version{Assigned: stamp, Replica: 1, HLC: stamp}
			}
			_, err = client.Update(ctx, e)
			outcome(counts, "updates", err)
			pause(ctx, 5*time.Millisecond)
		}
	})
})

// The callers order their own heroes about all the while, and no order may be refused.
func TestStampsFarAheadKeepNobodyFromOrdering(t *testing.T) {
	c := newCluster(t, threeCities()...)
	r := c.endure(t, attackTask{Attack: farStamps, From: privateNet + ".66.9", Shown: "updates taken"}, nil)
	r.judge(t)
}
