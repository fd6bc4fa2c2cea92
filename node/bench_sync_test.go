//go:build linux

package node

import (
	"context"
	"testing"
	"time"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/antientropy"
	"github.com/citynode/citynode/internal/reconcile"
)

const (
	// joinQuiet is how long nothing may go over the wire for a join to be over.
	joinQuiet = 300 * time.Millisecond
	// joinRounds is how long a joiner is watched when it is full: some random rounds of
	// each city, which at first are a second apart, fall into it.
	joinRounds = 3 * time.Second
)

// A new, empty city that connects to some that hold the same many heroes, and one of
// these that is bombed, until all hold the same: the time, and all that goes over the wire
// for it, also after that, against the state's canonical encoding. Random rounds are on.
// The baseline is libp2p itself, which copies as many bytes.
func BenchmarkJoin(b *testing.B) {
	for _, size := range []int{100_000, 1_000_000} {
		b.Run(sizeName(size), func(b *testing.B) {
			for _, cities := range []int{1, 3, 5} {
				if size > 100_000 && cities > 1 {
					continue // a machine has not the memory for so many large ones
				}
				b.Run("cities="+sizeName(cities), func(b *testing.B) {
					j := newJoin(b, size, cities)
					j.measure(func() *member { return j.net.run("empty") }, j.enter, j.net.end)
				})
			}
			if size > 100_000 {
				return
			}
			b.Run("bombed", func(b *testing.B) {
				j := newJoin(b, size, 5)
				j.measure(func() *member { return j.old[0] }, j.bomb, func(*member) {})
			})
		})
	}
}

// A join is some cities that hold the same, which others join.
type join struct {
	net   *benchNet
	old   []*member
	bytes int // of the state's canonical encoding
	size  int
}

func newJoin(b *testing.B, size, cities int) *join {
	j := &join{net: &benchNet{b: b, listen: overTCP, lively: true}, size: size}
	heroes := someHeroes(1, size, "full")
	j.bytes = encodedBytes(heroes)
	for _, name := range cityNames(cities) {
		c := j.net.run(name)
		j.net.tell(c, city.SourceStore, heroes)
		for _, other := range j.old {
			j.net.connect(c, other)
		}
		j.old = append(j.old, c)
	}
	j.net.settled(j.old)
	return j
}

// enter connects a city to all that are there.
func (j *join) enter(empty *member) {
	for _, c := range j.old {
		j.net.connect(empty, c)
	}
}

// bomb has a city lose all it holds.
func (j *join) bomb(m *member) {
	before := m.facts.Incarnation()
	if _, err := m.city.Do(context.Background(), city.Bomb{}); err != nil {
		j.net.b.Fatal(err)
	}
	j.net.await("a new incarnation", func() bool {
		inc, err := m.city.Current()
		return err == nil && inc.Number() > before
	})
}

// measure has a city come empty, until it holds what the others hold, and go again.
func (j *join) measure(prepare func() *member, come, gone func(*member)) {
	b := j.net.b
	bare := newBareCopy(b, overTCP, 1)
	bare.copy(1) // a stream that nothing is written to at first is given up after 10 s
	var took, wire, cpu, copied []float64
	for b.Loop() {
		empty := prepare()
		before, _ := j.net.wire.total()
		begun, spent := time.Now(), processCPU(b)
		come(empty)
		full := j.old[len(j.old)-1]
		j.net.await("all hold the same", func() bool { return empty.summary() == full.summary() })
		took = append(took, time.Since(begun).Seconds())
		cpu = append(cpu, times((processCPU(b)-spent).Nanoseconds(), j.size))
		<-time.After(joinRounds)
		wire = append(wire, times(j.net.whenQuiet()-before, j.bytes))
		gone(empty)
		copied = append(copied, bare.copy(j.bytes).Seconds())
	}
	noTime(b)
	b.ReportMetric(percentile(took, 50)*1e3, "ms")
	b.ReportMetric(percentile(took, 50)/percentile(copied, 50), "time/copy")
	b.ReportMetric(percentile(took, 50)*1e9/float64(j.size), "ns/hero")
	b.ReportMetric(percentile(cpu, 50), "cpu-ns/hero")
	b.ReportMetric(percentile(wire, 50), "wire/canonical")
}

// whenQuiet is what has gone over the wire once nothing big does any more.
func (n *benchNet) whenQuiet() (bytes int64) {
	const little = 16 << 10
	for bytes, _ = n.wire.total(); ; {
		<-time.After(joinQuiet)
		now, _ := n.wire.total()
		if now-bytes < little {
			return now
		}
		bytes = now
	}
}

// A session of two cities that hold nearly the same, each half of the difference
// in one of them only, on an open stream: the time, and the payload of the
// stream without the entries themselves. With no difference it is the steady
// state. The baseline is to send the whole state, which libp2p itself copies.
func BenchmarkReconcile(b *testing.B) {
	for _, size := range []int{100_000, 1_000_000} {
		b.Run(sizeName(size), func(b *testing.B) {
			r := newReconciled(b, size)
			for _, d := range []int{0, 10, 1_000, 10_000} {
				b.Run("d="+sizeName(d), func(b *testing.B) { r.measure(b, d) })
			}
		})
	}
}

// reconciled is two cities that hold the same.
type reconciled struct {
	net  *benchNet
	here *member
	far  *member
	seed uint64
	// whole is the bytes of the state, bare what copies them.
	whole int
	bare  *bareCopy
}

func newReconciled(b *testing.B, size int) *reconciled {
	net := &benchNet{b: b, listen: overTCP}
	r := &reconciled{net: net, far: net.run("far"), here: net.run("here"), seed: 1} // the latter's streams are counted
	heroes := someHeroes(r.seed, size, "here")
	r.whole, r.bare = encodedBytes(heroes), newBareCopy(b, overTCP, 1)
	net.tell(r.here, city.SourceStore, heroes)
	net.tell(r.far, city.SourceStore, heroes)
	net.connect(r.here, r.far)
	net.await("the first sync has ended", func() bool { return r.here.met() >= 1 && r.far.met() >= 1 })
	return r
}

func (r *reconciled) measure(b *testing.B, d int) {
	r.net.b, r.bare.b = b, b
	r.sync(b, 0) // opens the stream, if none is kept
	var (
		took   []time.Duration
		copied []time.Duration
		finds  []int64
		result reconcile.Result
	)
	for b.Loop() {
		entries := r.differ(d)
		before := r.net.syncs.total()
		begun := time.Now()
		result = r.sync(b, d)
		took = append(took, time.Since(begun))
		finds = append(finds, r.net.syncs.total()-before-int64(entries))
		if r.here.summary() != r.far.summary() {
			b.Fatal("not equal after a session")
		}
		copied = append(copied, r.bare.copy(r.whole))
	}
	noTime(b)
	b.ReportMetric(percentile(took, 50).Seconds()*1e3, "ms")
	b.ReportMetric(times(percentile(took, 50), percentile(copied, 50)), "time/whole")
	b.ReportMetric(float64(percentile(finds, 50)), "B")
	b.ReportMetric(times(percentile(finds, 50), r.whole), "bytes/whole")
	b.ReportMetric(float64(result.MessagesOut+result.MessagesIn), "messages")
}

// differ gives each city half of d new heroes, and tells how many bytes they
// are.
func (r *reconciled) differ(d int) (bytes int) {
	r.seed++
	heroes := someHeroes(r.seed, d, "here")
	r.net.tell(r.here, city.SourceStore, heroes[:d/2])
	r.net.tell(r.far, city.SourceStore, heroes[d/2:])
	return encodedBytes(heroes)
}

func (r *reconciled) sync(b *testing.B, d int) reconcile.Result {
	result, err := r.here.entropy.Sync(context.Background(), r.far.host.ID())
	if err != nil {
		b.Fatal(err)
	}
	if result.Differed != uint64(d) {
		b.Fatalf("%d entries differed, want %d", result.Differed, d)
	}
	return result
}

// An audit of a state, as each of the two cities makes it: of all IDs, of the part that
// audits take, and of a sixty-fourth, which shows what the walk alone costs.
func BenchmarkAudit(b *testing.B) {
	for _, size := range []int{100_000, 1_000_000} {
		b.Run(sizeName(size), func(b *testing.B) {
			state := crdt.NewState()
			for _, h := range someHeroes(1, size, "here") {
				state.MergeHero(h)
			}
			pages := func(_ context.Context, at crdt.Cursor) (p reconcile.Page, err error) {
				p.Encoded, p.Entries, p.Next, p.More = state.AppendPage(nil, at, city.PageBytesMax)
				return p, nil
			}
			for _, parts := range []uint64{1, antientropy.AuditParts, 64} {
				b.Run("parts="+sizeName(int(parts)), func(b *testing.B) {
					audit := reconcile.Query{Cells: 256, Audit: reconcile.Audit{Salt: 1, Parts: parts}}
					begun := processCPU(b)
					for b.Loop() {
						if err := reconcile.AuditView(context.Background(), pages, audit, new(reconcile.View)); err != nil {
							b.Fatal(err)
						}
					}
					spent := (processCPU(b) - begun).Nanoseconds() / int64(b.N)
					noTime(b)
					b.ReportMetric(float64(spent)/1e6, "cpu-ms")
					b.ReportMetric(times(spent, size), "cpu-ns/hero")
				})
			}
		})
	}
}
