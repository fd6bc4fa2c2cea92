//go:build linux

package node

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/metrics"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	ma "github.com/multiformats/go-multiaddr"
	"golang.org/x/sys/unix"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/store"
	"github.com/citynode/citynode/protocol"
)

// The transports that benchmarks run over, as addresses to listen on.
const (
	overTCP  = "/ip4/127.0.0.1/tcp/0"
	overQUIC = "/ip4/127.0.0.1/udp/0/quic-v1"
)

const (
	// never is an interval that no benchmark lives to see the end of.
	never = 1000 * time.Hour
	// storeBatch is how many heroes a city is filled with at once.
	storeBatch = 10_000
)

// benchNet makes cities with ticks off, and random rounds of anti-entropy and presences
// unless they are to be lively, on loopback, and counts what goes over their connections.
type benchNet struct {
	b      *testing.B
	listen string
	wire   wire
	// syncs counts the payload of the sync streams of the city that was
	// started last.
	syncs *payload
	// changed, if set, hears each change of each city, from its loop.
	changed func(city.SourcedChange)
	// lively has cities send presences and begin random rounds as they do by default.
	lively bool
	// store, if set, is that of the next city to run.
	store  *store.Store
	admins []peer.ID // of all cities
}

// run runs a city until the benchmark ends.
func (n *benchNet) run(name string) *member {
	n.b.Helper()
	cfg := quiet(name)
	if !n.lively {
		cfg.PresenceEvery, cfg.SyncEvery = never, never
	}
	cfg.Listen = []ma.Multiaddr{ma.StringCast(n.listen)}
	cfg.NewHost, cfg.store, cfg.Admins = n.host, n.store, n.admins
	n.store = nil
	m := &member{witness: new(witness), ended: make(chan struct{})}
	m.subscribe(&cfg.Events, time.Now())
	if n.changed != nil {
		cfg.Events.Changed = n.changed
	}
	node, err := New(cfg)
	if err != nil {
		n.b.Fatal(err)
	}
	m.Node = node
	ctx, stop := context.WithCancel(context.Background())
	m.stop = stop
	go func() {
		m.err = m.Run(ctx)
		close(m.ended)
	}()
	n.b.Cleanup(func() { n.end(m) })
	select {
	case <-m.Ready():
	case <-m.ended:
		n.b.Fatalf("city %s ended: %v", name, m.err)
	case <-time.After(waitMax):
		n.b.Fatalf("city %s is not ready", name)
	}
	return m
}

// end stops a city and waits for its end.
func (n *benchNet) end(m *member) {
	m.stop()
	<-m.ended
}

func (n *benchNet) host(opts ...libp2p.Option) (host.Host, error) {
	n.syncs = &payload{
		BandwidthCounter: metrics.NewBandwidthCounter(),
		protocol:         libp2pprotocol.ID("/citynode/" + protocol.DefaultNetwork + "/sync/1.0.0"),
	}
	opts = append(opts, libp2p.BandwidthReporter(n.syncs))
	if n.listen == overTCP {
		opts = append(opts, n.wire.transport())
	}
	return libp2p.New(opts...)
}

// cluster runs cities that are all connected to each other, and waits until
// each has all others in the mesh of the delta topic or next to it.
func (n *benchNet) cluster(count int) []*member {
	n.b.Helper()
	cities := make([]*member, count)
	for i, name := range cityNames(count) {
		cities[i] = n.run(name)
		for _, other := range cities[:i] {
			n.connect(cities[i], other)
		}
	}
	for _, c := range cities {
		n.await("the topic is joined", func() bool { return len(c.router.Peers(protocol.DeltaTopic(c.cfg.Network))) == count-1 })
		n.await("the first syncs have ended", func() bool { return c.met() >= count-1 })
	}
	return cities
}

// settled waits until no city has had a sync for a while: presences of cities
// that just met bring some.
func (n *benchNet) settled(cities []*member) {
	n.b.Helper()
	syncs := -1
	for now := 0; now != syncs; now = n.syncsOf(cities) {
		syncs = now
		<-time.After(2 * time.Second)
	}
}

// syncsOf is how many syncs the cities have had, each counted at both sides.
func (n *benchNet) syncsOf(cities []*member) (sum int) {
	for _, c := range cities {
		sum += c.met()
	}
	return sum
}

// met is how many rounds of anti-entropy the city has come through.
func (w *witness) met() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.syncs)
}

func (n *benchNet) connect(from, to *member) {
	n.b.Helper()
	info := peer.AddrInfo{ID: to.host.ID(), Addrs: to.host.Addrs()}
	if err := from.host.Connect(context.Background(), info); err != nil {
		n.b.Fatal(err)
	}
}

// await waits until a condition holds, looking often.
func (n *benchNet) await(what string, holds func() bool) {
	n.b.Helper()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	late := time.NewTimer(waitMax)
	defer late.Stop()
	for !holds() {
		select {
		case <-look.C:
		case <-late.C:
			n.b.Fatalf("not in %v: %s", waitMax, what)
		}
	}
}

// tell has a city merge entries.
func (n *benchNet) tell(m *member, source city.Source, heroes []crdt.Hero) {
	n.b.Helper()
	for part := range slices.Chunk(heroes, storeBatch) {
		update := city.Update{Entries: crdt.Entries{Heroes: part}, Source: source}
		if _, err := m.city.Do(context.Background(), update); err != nil {
			n.b.Fatal(err)
		}
	}
}

// someHeroes are n heroes of one city, other ones for each seed.
func someHeroes(seed uint64, n int, location string) []crdt.Hero {
	chance := rand.New(rand.NewPCG(seed, 1))
	stamp := crdt.StampAt(time.Now().Add(-time.Hour))
	heroes := make([]crdt.Hero, n)
	for i := range heroes {
		h := &heroes[i]
		binary.BigEndian.PutUint64(h.ID[:], chance.Uint64())
		binary.BigEndian.PutUint64(h.ID[8:], chance.Uint64())
		h.Name, h.Location, h.Health = "Hero "+strconv.Itoa(i), location, uint8(1+chance.IntN(crdt.HealthMax))
		h.Version = crdt.Version{Assigned: stamp, Replica: crdt.ReplicaID(chance.Uint64()), HLC: stamp + crdt.Stamp(i)}
	}
	return heroes
}

func idsOf(heroes []crdt.Hero) []crdt.ID {
	ids := make([]crdt.ID, len(heroes))
	for i := range heroes {
		ids[i] = heroes[i].ID
	}
	return ids
}

// encodedBytes is the size of the heroes' canonical encodings.
func encodedBytes(heroes []crdt.Hero) (sum int) {
	for _, h := range heroes {
		sum += crdt.HeroSize(h)
	}
	return sum
}

// sizeName is a number of heroes as benchmarks are named after it.
func sizeName(n int) string {
	switch {
	case n >= 1_000_000:
		return strconv.Itoa(n/1_000_000) + "m"
	case n >= 1_000:
		return strconv.Itoa(n/1_000) + "k"
	default:
		return strconv.Itoa(n)
	}
}

// wire counts the bytes of TCP connections as they are on a network of IPv4:
// payload, with what encryption and the muxer add, and the headers of all
// segments. Each connection is counted once, at its dialer, in both directions.
type wire struct {
	mu    sync.Mutex // guards conns
	conns []*net.TCPConn
}

// tcpHeaderBytes is IPv4's header and TCP's with timestamps.
const tcpHeaderBytes = 20 + 32

func (w *wire) transport() libp2p.Option {
	return libp2p.Transport(tcp.NewTCPTransport,
		tcp.WithDialerForAddr(func(ma.Multiaddr) (tcp.ContextDialer, error) { return w, nil }))
}

// DialContext dials and remembers the connection.
func (w *wire) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.conns = append(w.conns, conn.(*net.TCPConn))
	return conn, nil
}

// total is the bytes and segments of all connections that are open.
func (w *wire) total() (bytes, segments int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, conn := range w.conns {
		raw, err := conn.SyscallConn()
		if err != nil {
			continue // closed
		}
		_ = raw.Control(func(fd uintptr) {
			info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
			if err == nil {
				s := int64(info.Segs_in) + int64(info.Segs_out)
				segments += s
				bytes += int64(info.Bytes_acked) + int64(info.Bytes_received) + s*tcpHeaderBytes
			}
		})
	}
	return bytes, segments
}

// payload counts the bytes that a host's streams of one protocol carry, without
// their negotiation.
type payload struct {
	*metrics.BandwidthCounter
	protocol libp2pprotocol.ID
	in, out  atomic.Int64
}

func (p *payload) LogSentMessage(int64) {}

func (p *payload) LogRecvMessage(int64) {}

func (p *payload) LogSentMessageStream(size int64, of libp2pprotocol.ID, _ peer.ID) {
	if of == p.protocol {
		p.out.Add(size)
	}
}

func (p *payload) LogRecvMessageStream(size int64, of libp2pprotocol.ID, _ peer.ID) {
	if of == p.protocol {
		p.in.Add(size)
	}
}

func (p *payload) total() int64 { return p.in.Load() + p.out.Load() }

// processCPU is the CPU time that this process has spent.
func processCPU(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// percentile is the least of the values that p percent are not above.
func percentile[T cmp.Ordered](values []T, p int) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(len(sorted)-1, len(sorted)*p/100)]
}

// times is how many times as large a is as b.
func times[A, B ~int64 | ~int | ~float64](a A, b B) float64 { return float64(a) / float64(b) }

// noTime leaves out the time of an iteration, which is not the figure.
func noTime(b *testing.B) { b.ReportMetric(0, "ns/op") }

// failing reports the first of some errors that come from goroutines.
func failing(b *testing.B, errs <-chan error) {
	b.Helper()
	for err := range errs {
		if err != nil {
			b.Fatal(fmt.Errorf("a worker failed: %w", err))
		}
	}
}
