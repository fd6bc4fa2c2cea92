package antientropy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/internal/supervise"
	"github.com/citynode/citynode/protocol"
)

const (
	// SettlePasses is how often a settle syncs with each city. After the first pass this
	// city holds what all held; after the second all hold it.
	SettlePasses = 2
	// settleAtOnce is how many syncs a settle begins at once, and settleTurn how long each
	// of them keeps the next one waiting. A sync that takes longer goes on beside the
	// next: so those that answer are done with in no time, and those that do not hold up
	// nobody for more than their turn. 32 are begun a second at the least.
	settleAtOnce = 8
	settleTurn   = 250 * time.Millisecond
	// settleInAll bounds the syncs of a settle that run at the same time. They come on top
	// of sessionsMax: somebody waits for them. They cost next to nothing where they find
	// next to nothing, and an intake lets one whole state come at a time.
	settleInAll = 64
	// settleEach bounds one of those syncs: a city that does not answer costs a line with
	// an error. One that did not answer the last time has settleSilent.
	settleEach   = 5 * time.Second
	settleSilent = 2 * time.Second
	// settleAll and settleMore bound both passes together, whatever the cities do: settleAll
	// and settleMore for each of them. 60 silent ones take some 7 s, 50 that answer over
	// lines of 300 ms one way some 4 s.
	settleAll  = 10 * time.Second
	settleMore = 200 * time.Millisecond
)

// Settle syncs with every city that is alive, twice, and calls send with a line for each
// as soon as it is known what came of it: the counts of the second sync, or why one of
// them failed. A city with which the first fails is not asked a second time. Settle ends in
// ten seconds and a fifth of a second a city, and as much again where one runs already:
// callers that come meanwhile share the next. Cities that it did not come to have a line
// that says so.
func (a *AntiEntropy) Settle(ctx context.Context, send func(protocol.SettleLine) error) error {
	s, leads := a.settles.join()
	group, groupCtx := supervise.NewGroup(ctx)
	if leads {
		group.Go(func() error { a.leadSettling(groupCtx, s); return nil })
	}
	group.Go(func() error { return a.settles.follow(groupCtx, s, send) })
	return group.Wait()
}

// leadSettling runs a settling once it is its turn. A leader that goes away
// ends it for those who share it, with an error after which they try again.
func (a *AntiEntropy) leadSettling(ctx context.Context, s *settling) {
	// Without ctx: whoever leads must finish, or all who come later wait in vain.
	<-s.begin // the one before has a bound of its own
	err := ctx.Err()
	if err == nil {
		err = a.settle(ctx, func(line protocol.SettleLine) { a.settles.tell(s, line) })
	}
	if err != nil {
		err = protocol.Errorf(protocol.Unavailable, "settle was cut short: %w", err)
	}
	a.settles.finish(s, err)
}

// settle makes the passes, and calls tell with each line, at any time and from several
// goroutines. It fails only with ctx.
func (a *AntiEntropy) settle(ctx context.Context, tell func(protocol.SettleLine)) error {
	failed := make(map[peer.ID]bool)
	begun, bounded := time.Now(), ctx
	for pass := range SettlePasses {
		cities := slices.DeleteFunc(a.cfg.Cluster.Alive(), func(c Neighbour) bool { return failed[c.Peer] })
		if pass == 0 {
			var cancel context.CancelFunc
			bounded, cancel = context.WithDeadlineCause(ctx, begun.Add(settleWithin(len(cities))), errSettleOver)
			defer cancel()
		}
		lines := a.settlePass(bounded, cities, func(line protocol.SettleLine) {
			if line.Error != "" || pass == SettlePasses-1 {
				tell(line)
			}
		})
		if ctx.Err() != nil {
			return ctx.Err()
		}
		for _, line := range lines {
			failed[peer.ID(line.Peer)] = line.Error != ""
		}
	}
	return nil
}

// settleWithin returns how long a settle with so many cities may take.
func settleWithin(cities int) time.Duration {
	return settleAll + time.Duration(cities)*settleMore
}

// errSettleOver ends the syncs of a settle that has taken too long.
var errSettleOver = errors.New("the time of the settle was over")

// settlePass syncs with cities, those first that have answered before. It calls tell with a
// line for each as it comes, from several goroutines, and returns them all.
func (a *AntiEntropy) settlePass(ctx context.Context, cities []Neighbour, tell func(protocol.SettleLine)) []protocol.SettleLine {
	slices.SortStableFunc(cities, func(x, y Neighbour) int { return int(a.manners.of(x.Peer)) - int(a.manners.of(y.Peer)) })
	lines := make([]protocol.SettleLine, len(cities))
	turns, places := make(chan struct{}, settleAtOnce), make(chan struct{}, settleInAll)
	group, _ := supervise.NewGroup(context.WithoutCancel(ctx)) // ctx ends each sync
	for i, c := range cities {
		// Before the goroutine, so that they begin in this order.
		if !enter(ctx, places) || !enter(ctx, turns) {
			lines[i] = failedLine(c, context.Cause(ctx))
			tell(lines[i])
			continue // and so for all that follow: nobody waits for a place any more
		}
		turn := time.AfterFunc(settleTurn, func() { <-turns })
		group.Go(func() error {
			defer func() { <-places }()
			// Each goroutine has a place of its own in lines, so there is no lock.
			lines[i] = a.settleWith(ctx, c)
			tell(lines[i])
			if turn.Stop() {
				<-turns
			}
			return nil
		})
	}
	_ = group.Wait() // no function fails
	return lines
}

// enter takes a place, and reports false where ctx has ended.
func enter(ctx context.Context, places chan<- struct{}) bool {
	select {
	case <-ctx.Done():
		return false
	default:
	}
	select {
	case places <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// failedLine returns the line of a city with which there was no complete sync.
func failedLine(c Neighbour, err error) protocol.SettleLine {
	return protocol.SettleLine{City: c.Name, Peer: []byte(c.Peer), Error: err.Error()}
}

// settleWith syncs with one city.
func (a *AntiEntropy) settleWith(ctx context.Context, c Neighbour) protocol.SettleLine {
	if c.Apart != nil {
		return failedLine(c, c.Apart)
	}
	each := settleEach
	if a.manners.of(c.Peer) == silent {
		each = settleSilent
	}
	ctx, cancel := context.WithTimeoutCause(ctx, each, fmt.Errorf("no answer within %v", each))
	defer cancel()
	a.cfg.FindAddrs(ctx, c.Peer)
	result, err := a.Sync(ctx, c.Peer)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return failedLine(c, err)
	}
	return protocol.SettleLine{City: c.Name, Peer: []byte(c.Peer), Differed: result.Differed, Skipped: result.Skipped}
}
