//go:build linux

package node

import (
	"bufio"
	"context"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/metrics"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/protocol"
)

const (
	echoID = libp2pprotocol.ID("/echo")
	// callers is how many call at once, each on a stream of its own.
	callers = 64
	// callersTurn is how long they call one city before the next has its turn.
	callersTurn = 150 * time.Millisecond
	// callsToSize is how many calls are made to learn the size of one.
	callsToSize = 100
)

// A call on an open stream, in cities of various sizes and, as the baseline, a
// bare echo of as many bytes, all in turn.
func BenchmarkCall(b *testing.B) {
	bench := newCallBench(b, []int{100, 100_000, 1_000_000})
	for _, m := range []method{{"assign", assignOne}, {"get", getOne}} {
		b.Run(m.name, func(b *testing.B) {
			b.Run("one", func(b *testing.B) { bench.one(b, m) })
			b.Run("64", func(b *testing.B) { bench.many(b, m) })
		})
	}
}

// method is a call to be measured.
type method struct {
	name string
	call func(context.Context, *protocol.Client, crdt.ID) error
}

func assignOne(ctx context.Context, c *protocol.Client, hero crdt.ID) error {
	_, err := c.Assign(ctx, newID(), protocol.AssignRequest{Hero: hero})
	return err
}

func getOne(ctx context.Context, c *protocol.Client, hero crdt.ID) error {
	_, err := c.Get(ctx, protocol.GetRequest{IDs: []crdt.ID{hero}}, func(crdt.Entries) error { return nil })
	return err
}

// callBench is a host that calls, cities that answer, and one host that only
// echoes.
type callBench struct {
	caller host.Host
	counts *payload // of the caller's calls
	cities []calledCity
	echo   host.Host
	// request and response are the bytes that the echo takes and gives.
	request, response atomic.Int64
}

type calledCity struct {
	*member
	heroes []crdt.ID // without the names: pointers are a burden to the collector of garbage that a city has not
}

func newCallBench(b *testing.B, sizes []int) *callBench {
	net := &benchNet{b: b, listen: overTCP}
	c := &callBench{counts: &payload{
		BandwidthCounter: metrics.NewBandwidthCounter(),
		protocol:         libp2pprotocol.ID(protocol.CallID(protocol.DefaultNetwork)),
	}}
	for _, size := range sizes {
		m := net.run("c" + sizeName(size))
		heroes := someHeroes(1, size, m.cfg.City.Name)
		net.tell(m, city.SourceStore, heroes)
		c.cities = append(c.cities, calledCity{m, idsOf(heroes)})
	}
	c.caller = bareHost(b, libp2p.NoListenAddrs, libp2p.BandwidthReporter(c.counts))
	c.echo = bareHost(b, libp2p.ListenAddrStrings(overTCP))
	c.echo.SetStreamHandler(echoID, c.answerEcho)
	return c
}

func bareHost(b *testing.B, opts ...libp2p.Option) host.Host {
	h, err := libp2p.New(append(opts, libp2p.ResourceManager(&network.NullResourceManager{}))...)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = h.Close() })
	return h
}

func (c *callBench) answerEcho(s network.Stream) {
	in := bufio.NewReader(s)
	buf := make([]byte, max(c.request.Load(), c.response.Load()))
	for {
		if _, err := io.ReadFull(in, buf[:c.request.Load()]); err != nil {
			_ = s.Close()
			return
		}
		if _, err := s.Write(buf[:c.response.Load()]); err != nil {
			return
		}
	}
}

func (c *callBench) stream(b *testing.B, to host.Host, id libp2pprotocol.ID) network.Stream {
	b.Helper()
	ctx := context.Background()
	if err := c.caller.Connect(ctx, peer.AddrInfo{ID: to.ID(), Addrs: to.Addrs()}); err != nil {
		b.Fatal(err)
	}
	s, err := c.caller.NewStream(ctx, to.ID(), id)
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// caller makes one call, or echo.
type caller func() error

// callersOf are callers of one city, on a stream each.
func (c *callBench) callersOf(b *testing.B, to calledCity, m method, n int) []caller {
	some := make([]caller, n)
	for i := range some {
		client := protocol.NewClient(c.stream(b, to.host, libp2pprotocol.ID(protocol.CallID(protocol.DefaultNetwork))))
		b.Cleanup(func() { _ = client.Close() })
		chance := rand.New(rand.NewPCG(uint64(i), 2))
		some[i] = func() error {
			return m.call(context.Background(), client, to.heroes[chance.IntN(len(to.heroes))])
		}
	}
	return some
}

// echoes are callers of the echo with messages as large as those of the method.
func (c *callBench) echoes(b *testing.B, m method, n int) []caller {
	call := c.callersOf(b, c.cities[0], m, 1)[0]
	in, out := c.counts.in.Load(), c.counts.out.Load()
	for range callsToSize {
		if err := call(); err != nil {
			b.Fatal(err)
		}
	}
	c.request.Store((c.counts.out.Load() - out) / callsToSize)
	c.response.Store((c.counts.in.Load() - in) / callsToSize)
	some := make([]caller, n)
	for i := range some {
		s := c.stream(b, c.echo, echoID)
		b.Cleanup(func() { _ = s.Reset() })
		in, request, response := bufio.NewReader(s), make([]byte, c.request.Load()), make([]byte, c.response.Load())
		some[i] = func() error {
			if _, err := s.Write(request); err != nil {
				return err
			}
			_, err := io.ReadFull(in, response)
			return err
		}
	}
	return some
}

// one measures single calls.
func (c *callBench) one(b *testing.B, m method) {
	all := [][]caller{c.echoes(b, m, 1)}
	for _, to := range c.cities {
		all = append(all, c.callersOf(b, to, m, 1))
	}
	took := make([][]time.Duration, len(all))
	for b.Loop() {
		for i, some := range all {
			begun := time.Now()
			if err := some[0](); err != nil {
				b.Fatal(err)
			}
			took[i] = append(took[i], time.Since(begun))
		}
	}
	echo, smallest := percentile(took[0], 50), percentile(took[1], 50)
	noTime(b)
	b.ReportMetric(float64(c.request.Load()+c.response.Load()), "bytes")
	b.ReportMetric(float64(echo.Nanoseconds()), "echo-p50-ns")
	b.ReportMetric(float64(percentile(took[0], 99).Nanoseconds()), "echo-p99-ns")
	for i, to := range c.cities {
		p50, name := percentile(took[i+1], 50), sizeName(len(to.heroes))
		b.ReportMetric(float64(p50.Nanoseconds()), name+"-p50-ns")
		b.ReportMetric(float64(percentile(took[i+1], 99).Nanoseconds()), name+"-p99-ns")
		b.ReportMetric(times(p50, echo), name+"/echo")
		if i > 0 {
			b.ReportMetric(times(p50, smallest), name+"/"+sizeName(len(c.cities[0].heroes)))
		}
	}
}

// many measures the rate of many callers.
func (c *callBench) many(b *testing.B, m method) {
	smallest, largest := c.cities[0], c.cities[len(c.cities)-1]
	all := [][]caller{
		c.echoes(b, m, callers),
		c.callersOf(b, smallest, m, callers),
		c.callersOf(b, largest, m, callers),
	}
	calls, took, spent := make([]int64, len(all)), make([]time.Duration, len(all)), make([]time.Duration, len(all))
	for b.Loop() {
		for i, some := range all {
			before := processCPU(b)
			n, d := callAll(b, some)
			calls[i] += n
			took[i] += d
			spent[i] += processCPU(b) - before
		}
	}
	rate := func(i int) float64 { return float64(calls[i]) / took[i].Seconds() }
	each := func(i int) float64 { return times(spent[i], calls[i]) }
	noTime(b)
	b.ReportMetric(rate(0), "echo/s")
	b.ReportMetric(each(0), "echo-cpu-ns")
	for i, to := range []calledCity{smallest, largest} {
		b.ReportMetric(rate(i+1), sizeName(len(to.heroes))+"/s")
		b.ReportMetric(rate(i+1)/rate(0), sizeName(len(to.heroes))+"/echo")
		b.ReportMetric(each(i+1), sizeName(len(to.heroes))+"-cpu-ns")
		b.ReportMetric(each(i+1)/each(0), sizeName(len(to.heroes))+"-cpu/echo")
	}
}

// callAll has all callers call for callersTurn.
func callAll(b *testing.B, some []caller) (calls int64, took time.Duration) {
	var (
		made atomic.Int64
		over atomic.Bool
		all  sync.WaitGroup
		errs = make(chan error, len(some))
	)
	begun := time.Now()
	for _, call := range some {
		all.Go(func() {
			for !over.Load() {
				if err := call(); err != nil {
					errs <- err
					return
				}
				made.Add(1)
			}
		})
	}
	<-time.After(callersTurn)
	over.Store(true)
	all.Wait()
	took = time.Since(begun)
	close(errs)
	failing(b, errs)
	return made.Load(), took
}
