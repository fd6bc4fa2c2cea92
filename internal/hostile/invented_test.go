//go:build linux

package hostile

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/node"
	"github.com/citynode/citynode/protocol"
)

// inventedEntries returns entries of so many IDs that nobody has heard of, every other one dead.
func inventedEntries(n int) (e crdt.Entries) {
	for i := range n {
		h := heroOf(rand.Uint64())
		h.ID[0] = 2
		if i%2 == 0 {
			e.Heroes = append(e.Heroes, h)
		} else {
			e.Tombstones = append(e.Tombstones, crdt.Tombstone{ID: h.ID, Version: h.Version})
		}
	}
	return e
}

// outcome counts what became of a call.
func outcome(counts *tally, what string, err error) {
	switch {
	case err == nil:
		counts.add(what + " taken")
	case errors.Is(err, protocol.ErrBusy):
		counts.add(what + " answered busy")
	case errors.Is(err, protocol.ErrUnavailable):
		counts.add(what + " answered unavailable")
	default:
		counts.add(what + " that failed otherwise")
	}
}

// inventedByCalls brings each city others, by updates, with orders, and by creates.
var inventedByCalls = newAttack("invented heroes by calls", func(ctx context.Context, task attackTask, counts *tally) error {
	return eachCaller(ctx, task, func(ctx context.Context, client *protocol.Client) {
		var err error
		for n := 0; ctx.Err() == nil; n++ {
			many := inventedEntries(1000)
			switch n % 3 {
			case 0:
				_, err = client.Update(ctx, many)
				outcome(counts, "updates of 1000", err)
			case 1:
				_, err = client.Assign(ctx, heroOf(rand.Uint64()).ID, protocol.AssignRequest{Hero: many.Heroes[0].ID, Entries: &many})
				outcome(counts, "orders with 1000", err)
			default:
				_, err = client.Create(ctx, heroOf(rand.Uint64()).ID, protocol.CreateRequest{Name: "Invented"})
				outcome(counts, "creates", err)
			}
			if errors.Is(err, context.Canceled) || protocol.CodeOf(err) == protocol.Internal {
				return // the stream is broken
			}
		}
	})
})

// inventedBySync is a city that invents heroes all the time, and has syncs with all
// others. It gossips nothing.
var inventedBySync = newAttack("invented heroes by sync", func(ctx context.Context, task attackTask, counts *tally) error {
	cfg := node.Config{
		City:      city.Config{Name: "arkham", PatrolEvery: city.Off, FightEvery: city.Off, EntriesMax: 1 << 24},
		Listen:    []ma.Multiaddr{ma.StringCast("/ip4/" + task.From + "/tcp/4200")},
		NoGossip:  true,
		SyncEvery: 50 * time.Millisecond,
	}
	for _, target := range task.Targets {
		cfg.Bootstrap = append(cfg.Bootstrap, ma.StringCast(target))
	}
	cfg.Events.Synced = func(e node.SyncEvent) {
		if e.Err == nil {
			counts.add("syncs that were complete")
		} else {
			counts.add("syncs that were not")
		}
	}
	n, err := node.New(cfg)
	if err != nil {
		return err
	}
	ran, err := begin(ctx, n)
	if err != nil {
		return err
	}
	for ctx.Err() == nil {
		_, err := n.City().Do(ctx, city.Update{Entries: inventedEntries(1000), Source: city.SourceStore})
		if err == nil {
			counts.addMany("invented", 1000)
		}
		pause(ctx, 40*time.Millisecond) // 25,000 a second
	}
	return <-ran
})

// A flood of invented heroes is limited by each city, whatever the way in.
func TestInventedHeroesFillNobody(t *testing.T) {
	for attack, shown := range map[string]string{
		inventedByCalls:  "updates of 1000 answered busy",
		inventedBySync:   "invented",
		inventedByGossip: "deltas of 600 invented heroes",
	} {
		t.Run(attack, func(t *testing.T) {
			c := newCluster(t, threeCities()...)
			r := c.endure(t, attackTask{Attack: attack, From: privateNet + ".66.7", Shown: shown}, nil)
			r.judge(t)
			ctx, cancel := context.WithTimeout(t.Context(), atMost(callMax))
			defer cancel()
			info, err := c.callers[0].client.Info(ctx)
			if err != nil {
				t.Fatal(err)
			}
			// What strangers may bring at once and in that time, to each of three cities.
			held, most := info.Summary.Heroes+info.Summary.Tombstones, uint64(3*(10_000+1100*int(r.lasted.Seconds()+3)))
			t.Logf("%d entries are held, at most %d may be", held, most)
			if held > most {
				t.Error("too many")
			}
		})
	}
}
