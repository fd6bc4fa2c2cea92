package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/node/dispatch"
	"github.com/citynode/citynode/protocol"
)

// benchLimits bound what a bench may ask of a city that others use as well.
const (
	benchCallsMax   = 100_000
	benchCallersMax = 64
)

// A benchPlan is how much is measured.
type benchPlan struct {
	calls   int // of each kind, one after another
	callers int // at once
	spreads int // orders that are followed to the other cities
}

func newBench(g *globals) *cobra.Command {
	plan := benchPlan{calls: 1000, callers: 16, spreads: 20}
	cmd := &cobra.Command{
		Use:   "bench [CITY]",
		Short: "Measure how fast calls and changes are on these machines",
		Long: `Measure how fast calls and changes are on these machines: calls one after
another and many at once, how long an order takes until the other cities have
it, and how long it takes to make sure that all hold the same. The baseline is
libp2p's own ping to the same city. It creates a hero for each caller and lets
them die in the end; their deaths are remembered for ever, as all are.`,
		Args:              atMostOne,
		Example:           "  citynode bench\n  citynode bench metropolis --calls 5000 --callers 32 --json",
		ValidArgsFunction: g.completeCity,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := plan.check(); err != nil {
				return err
			}
			if len(args) == 1 {
				if err := checkCity(args[0]); err != nil {
					return err
				}
			}
			return g.dispatchPatiently(cmd, func(ctx context.Context, d dispatcher) error {
				at := d.Node()
				if len(args) == 1 {
					var err error
					if at, err = d.cityNamed(ctx, args[0]); err != nil {
						return err
					}
				}
				b := &bench{d: d, at: at, plan: plan, say: g.notef}
				err := b.run(ctx)
				if err != nil {
					return fmt.Errorf("bench: %w", err)
				}
				return g.printBench(b.lines)
			})
		},
	}
	cmd.Flags().IntVar(&plan.calls, "calls", plan.calls, "calls of each kind")
	cmd.Flags().IntVar(&plan.callers, "callers", plan.callers, "callers at once")
	return cmd
}

func (p benchPlan) check() error {
	if p.calls < 1 || p.calls > benchCallsMax {
		return usagef("--calls is %d, must be 1 to %d", p.calls, benchCallsMax)
	}
	if p.callers < 1 || p.callers > benchCallersMax {
		return usagef("--callers is %d, must be 1 to %d", p.callers, benchCallersMax)
	}
	return nil
}

// A benchLine is one measurement.
type benchLine struct {
	What    string  `json:"what"`
	Count   int     `json:"count"`
	P50MS   float64 `json:"p50_ms"`
	P99MS   float64 `json:"p99_ms"`
	PerSec  float64 `json:"per_second"`
	ToPing  float64 `json:"to_ping"` // p50 as a multiple of that of a ping
	Callers int     `json:"callers"`
}

// bench measures one city, or the node that is asked.
type bench struct {
	d      dispatcher
	at     *dispatch.Link
	plan   benchPlan
	say    func(format string, args ...any)
	heroes []crdt.ID
	lines  []benchLine
}

func (b *bench) run(ctx context.Context) error {
	defer b.retire(ctx)
	for _, step := range []struct {
		what string
		run  func(context.Context) error
	}{
		{"pings", b.pings},
		{"calls one after another", b.calls},
		{fmt.Sprintf("%d callers at once", b.plan.callers), b.callers},
		{"an order until the other cities have it", b.spread},
		{"making sure that all hold the same", b.settle},
	} {
		b.say("measuring %s", step.what)
		if err := step.run(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
	}
	return nil
}

// note adds a line. The times are those of single operations, and all of them
// together took took.
func (b *bench) note(what string, callers int, times []time.Duration, took time.Duration) {
	slices.Sort(times)
	line := benchLine{
		What:    what,
		Count:   len(times),
		P50MS:   millis(times[len(times)/2]),
		P99MS:   millis(times[len(times)*99/100]),
		PerSec:  float64(len(times)) / took.Seconds(),
		Callers: callers,
	}
	b.lines = append(b.lines, line)
	if base := b.lines[0].P50MS; base > 0 {
		b.lines[len(b.lines)-1].ToPing = line.P50MS / base
	}
}

// measure times n runs of do.
func measure(n int, do func() error) (times []time.Duration, took time.Duration, err error) {
	begin := time.Now()
	for range n {
		one := time.Now()
		if err := do(); err != nil {
			return nil, 0, err
		}
		times = append(times, time.Since(one))
	}
	return times, time.Since(begin), nil
}

// pings measures the baseline: 32 bytes each way on a stream that stays open.
func (b *bench) pings(ctx context.Context) error {
	if err := b.at.Open(ctx); err != nil { // also connects
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := ping.Ping(ctx, b.d.Host(), b.at.Peer().ID)
	var times []time.Duration
	begin := time.Now()
	for range b.plan.calls {
		answer, ok := <-answers
		if !ok {
			return context.Cause(ctx)
		}
		if answer.Error != nil {
			return answer.Error
		}
		times = append(times, answer.RTT)
	}
	b.note("ping", 1, times, time.Since(begin))
	return nil
}

func (b *bench) calls(ctx context.Context) error {
	if err := b.create(ctx, 1); err != nil {
		return err
	}
	hero := b.heroes[0]
	for _, kind := range []struct {
		name string
		call func(*protocol.Client) error
	}{
		{"info", func(c *protocol.Client) error {
			_, err := c.Info(ctx)
			return err
		}},
		{"get one hero", func(c *protocol.Client) error {
			_, err := c.Get(ctx, protocol.GetRequest{IDs: []crdt.ID{hero}}, func(crdt.Entries) error { return nil })
			return err
		}},
		{"assign", func(c *protocol.Client) error { return assignOnce(ctx, c, hero) }},
	} {
		times, took, err := measure(b.plan.calls, func() error { return b.at.Call(ctx, kind.call) })
		if err != nil {
			return err
		}
		b.note(kind.name, 1, times, took)
	}
	return nil
}

// callers has several assign at once, each its own hero on its own stream.
func (b *bench) callers(ctx context.Context) error {
	if err := b.create(ctx, b.plan.callers-len(b.heroes)); err != nil {
		return err
	}
	each := max(1, b.plan.calls/b.plan.callers)
	all := make([][]time.Duration, b.plan.callers)
	group, ctx := errgroup.WithContext(ctx)
	begin := time.Now()
	for i := range all {
		group.Go(func() (err error) {
			own := b.at.Clone()
			defer own.Close()
			all[i], _, err = measure(each, func() error {
				return own.Call(ctx, func(c *protocol.Client) error { return assignOnce(ctx, c, b.heroes[i]) })
			})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	b.note("assign", b.plan.callers, slices.Concat(all...), time.Since(begin))
	return nil
}

func assignOnce(ctx context.Context, c *protocol.Client, hero crdt.ID) error {
	_, err := c.Assign(ctx, crdt.ID(uuid.New()), protocol.AssignRequest{Hero: hero})
	return err
}

// spread follows orders until every other city that is alive has them.
func (b *bench) spread(ctx context.Context) error {
	view, err := b.d.view(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	group, ctx := errgroup.WithContext(ctx)
	defer func() { cancel(); _ = group.Wait() }() // it ends with a cancelled watch
	hero, others := b.heroes[0], 0
	live, seen := make(chan struct{}), make(chan crdt.Stamp, 1)
	for _, line := range view.lines {
		if line.Status != protocol.StatusAlive || string(line.Peer) == string(b.at.Peer().ID) {
			continue
		}
		at, err := b.d.cityNamed(ctx, line.Presence.City)
		if err != nil {
			return err
		}
		others++
		group.Go(func() error { return followHero(ctx, at.Clone(), hero, live, seen) })
	}
	if others == 0 {
		b.say("no other city is alive: there is nobody to spread to")
		return nil
	}
	for range others {
		if err := await(ctx, live); err != nil {
			return err
		}
	}
	times, took, err := measure(b.plan.spreads, func() error { return b.spreadOnce(ctx, hero, others, seen) })
	if err == nil {
		b.note(fmt.Sprintf("assign, until %s", counted(uint64(others), "other city has it", "other cities have it")), 1, times, took)
	}
	return err
}

func (b *bench) spreadOnce(ctx context.Context, hero crdt.ID, others int, seen <-chan crdt.Stamp) error {
	var order crdt.Stamp
	err := b.at.Call(ctx, func(c *protocol.Client) error {
		reply, err := c.Assign(ctx, crdt.ID(uuid.New()), protocol.AssignRequest{Hero: hero})
		order = reply.Hero.Version.Assigned
		return err
	})
	for have := 0; err == nil && have < others; {
		select {
		case stamp := <-seen:
			if stamp >= order {
				have++
			}
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	return err
}

// followHero tells each order for a hero as one city learns of it.
func followHero(ctx context.Context, at *dispatch.Link, hero crdt.ID, live chan<- struct{}, seen chan<- crdt.Stamp) error {
	defer at.Close()
	return at.Once(ctx, func(c *protocol.Client) error {
		begun := func(crdt.Summary) error { return send(ctx, live, struct{}{}) }
		return c.Watch(ctx, protocol.WatchRequest{}, begun, func(e crdt.Entries) error {
			for _, h := range e.Heroes {
				if h.ID != hero {
					continue
				}
				if err := send(ctx, seen, h.Version.Assigned); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

func send[T any](ctx context.Context, to chan<- T, v T) error {
	select {
	case to <- v:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func await(ctx context.Context, c <-chan struct{}) error {
	select {
	case <-c:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (b *bench) settle(ctx context.Context) error {
	times, took, err := measure(1, func() error { _, err := b.d.converge(ctx); return err })
	if err == nil {
		b.note("settle", 1, times, took)
	}
	return err
}

// create makes heroes to give orders to.
func (b *bench) create(ctx context.Context, n int) error {
	for range n {
		id := crdt.ID(uuid.New())
		err := b.at.Call(ctx, func(c *protocol.Client) error {
			_, err := c.Create(ctx, id, protocol.CreateRequest{Name: "bench " + strconv.Itoa(len(b.heroes)+1)})
			return err
		})
		if err != nil {
			return err
		}
		b.heroes = append(b.heroes, id)
	}
	return nil
}

// retire lets the heroes of the bench die, also where it was cut short.
func (b *bench) retire(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), dispatch.DefaultDialTimeout)
	defer cancel()
	for _, id := range b.heroes {
		err := b.at.Call(ctx, func(c *protocol.Client) error {
			_, err := c.Retire(ctx, crdt.ID(uuid.New()), protocol.RetireRequest{Hero: id})
			return err
		})
		if err != nil {
			b.say("hero %s of the bench was left behind: %v", id, err)
		}
	}
}

func (g *globals) printBench(lines []benchLine) error {
	if g.json {
		return g.printJSON(lines)
	}
	t := table{head: []string{"MEASURE", "CALLERS", "COUNT", "P50", "P99", "PER SECOND", "P50 TO PING"}}
	for _, l := range lines {
		t.add(l.What, strconv.Itoa(l.Callers), strconv.Itoa(l.Count), fmt.Sprintf("%.3f ms", l.P50MS),
			fmt.Sprintf("%.3f ms", l.P99MS), fmt.Sprintf("%.0f", l.PerSec), fmt.Sprintf("%.1f×", l.ToPing))
	}
	return t.write(g.stdout)
}
