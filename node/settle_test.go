package node

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/citynode/citynode/internal/antientropy"
	"github.com/citynode/citynode/protocol"
)

// settled are the lines of a settle through the caller at the city.
func settled(t *testing.T, caller *member, city string) (lines []protocol.SettleLine) {
	t.Helper()
	caller.call(t, city, func(ctx context.Context, c *protocol.Client) error {
		return c.Settle(ctx, func(line protocol.SettleLine) error { lines = append(lines, line); return nil })
	})
	slices.SortFunc(lines, func(a, b protocol.SettleLine) int { return slices.Compare([]byte(a.City), []byte(b.City)) })
	return lines
}

func TestAfterASettleAllHoldTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var configs []Config
		for _, name := range cityNames(6) {
			cfg := quiet(name)
			cfg.NoGossip, cfg.SyncEvery = true, time.Hour // nothing else spreads anything soon
			configs = append(configs, cfg)
		}
		cities := newMockNet(t).chain(t, configs...)
		awaitAlive(t, cities...)
		time.Sleep(5 * time.Second)
		for _, c := range cities {
			c.create(t, "hero of "+c.cfg.City.Name)
		}
		lines := settled(t, cities[5], "c0")
		if !equal(cities) || cities[0].summary().Heroes != 6 {
			t.Error("not all hold the same")
		}
		if len(lines) != 5 {
			t.Fatalf("%d lines: %+v", len(lines), lines)
		}
		for i, line := range lines {
			if line.City != cityNames(6)[i+1] || string(line.Peer) != string(cities[i+1].Peer()) || line.Error != "" || line.Skipped != 0 {
				t.Errorf("line %d is %+v", i, line)
			}
		}
		for _, line := range settled(t, cities[5], "c0") {
			if line.Differed != 0 {
				t.Errorf("it differed again: %+v", line)
			}
		}
	})
}

func TestASettleNamesTheCityThatCannotBeSyncedWith(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		cities := net.quietChain(t, "c0", "c1")
		hostile := newStranger(t, net)
		hostile.claims("c2")
		hostile.meets(t, cities...)
		for _, c := range cities {
			eventually(t, "it knows the hostile one", func() bool { return len(c.directory.Alive()) == 2 })
		}
		lines := settled(t, cities[1], "c0")
		if len(lines) != 2 || lines[0].Error != "" || lines[1].City != "c2" || lines[1].Error == "" {
			t.Errorf("lines %+v", lines)
		}
	})
}

func TestSettlesThatComeWhileOneRunsShareTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		cities := net.quietChain(t, cityNames(3)...)
		awaitAlive(t, cities...)
		time.Sleep(5 * time.Second)
		syncs := func() int {
			cities[0].mu.Lock()
			defer cities[0].mu.Unlock()
			return len(cities[0].syncs)
		}
		const callers = 20
		before := syncs()
		var calling sync.WaitGroup
		for range callers {
			calling.Go(func() {
				lines := 0
				err := cities[1].tryCall(t, "c0", func(ctx context.Context, c *protocol.Client) error {
					return c.Settle(ctx, func(protocol.SettleLine) error { lines++; return nil })
				})
				if lines != 2 || err != nil {
					t.Errorf("%d lines, %v", lines, err)
				}
			})
		}
		calling.Wait()
		if n, alone := syncs()-before, callers*antientropy.SettlePasses*2; n > alone/2 {
			t.Errorf("%d callers cost %d syncs, alone %d", callers, n, alone)
		}
	})
}
