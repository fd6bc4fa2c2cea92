//go:build linux

package hostile

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	ma "github.com/multiformats/go-multiaddr"
)

// An attackTask is what a process that attacks is told.
type attackTask struct {
	Attack  string   // the name of one of attacks
	Targets []string // the cities' addresses, with /p2p
	From    string   // the IP address to attack from
	Number  int      // what of it there is to be, which the attack says
	// Shown is what must have been counted before the attack ends, by which it has begun,
	// and is limited.
	Shown string
	// Last has the process take what processor time nobody else wants, so that what it
	// takes from callers it takes by what cities do for it.
	Last bool
}

// targets returns the cities.
func (a attackTask) targets() (infos []peer.AddrInfo, err error) {
	for _, addr := range a.Targets {
		info, err := peer.AddrInfoFromString(addr)
		if err != nil {
			return nil, err
		}
		infos = append(infos, *info)
	}
	return infos, nil
}

// attacks are all attacks by name. Each file that has one adds it, by newAttack. An attack
// runs until ctx is done. It counts what it did, and what became of that.
var attacks = map[string]func(ctx context.Context, task attackTask, counts *tally) error{}

// newAttack adds an attack, and returns its name.
func newAttack(name string, run func(context.Context, attackTask, *tally) error) string {
	attacks[name] = run
	return name
}

// A tally is what an attack counts, by words of its own.
type tally struct {
	mu     sync.Mutex // guards counts
	counts map[string]int
}

// add counts one more.
func (c *tally) add(word string) { c.addMany(word, 1) }

// addMany counts more.
func (c *tally) addMany(word string, count int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts[word] += count
}

func (c *tally) copied() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.counts)
}

// runAttack is the process of an attack.
func runAttack(task attackTask) error {
	if task.Last {
		if err := syscall.Setpriority(syscall.PRIO_PROCESS, 0, 19); err != nil {
			return fmt.Errorf("have the lowest priority: %w", err)
		}
	}
	run, ok := attacks[task.Attack]
	if !ok {
		return fmt.Errorf("no attack %q", task.Attack)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	counts := &tally{counts: map[string]int{}}
	ran := make(chan error, 1)
	go func() { ran <- run(ctx, task, counts) }()
	out := json.NewEncoder(os.Stdout)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		if err := out.Encode(counts.copied()); err != nil {
			return err
		}
	}
	cancel()
	return <-ran
}

// An assault is an attack that runs, as the tests see it.
type assault struct{ *process }

// startAttack starts an attack on the cities.
func startAttack(t *testing.T, task attackTask, cities []*running) *assault {
	t.Helper()
	for _, c := range cities {
		task.Targets = append(task.Targets, c.addr)
	}
	task.Last = !*short // there its process is one of many, and has to get somewhere
	return &assault{launch(t, roleAttack, "attacker", task, 0)}
}

// counts asks the attack what it has counted so far.
func (a *assault) counts(t *testing.T) (counts map[string]int) {
	t.Helper()
	a.ask(t, "counts", &counts)
	return counts
}

// awaitCounted waits until the attack has counted something.
func (a *assault) awaitCounted(t *testing.T, word string) {
	t.Helper()
	await(t, startMax, "the attacker counts "+word, func() bool { return a.counts(t)[word] > 0 })
}

// asStranger runs an attack from one host of a key that nobody knows, and tells it the
// cities.
func asStranger(task attackTask, run func(h host.Host, targets []peer.AddrInfo) error) error {
	targets, err := task.targets()
	if err != nil {
		return err
	}
	h, err := newForeignHost(task.From)
	if err != nil {
		return err
	}
	defer h.Close()
	return run(h, targets)
}

// eachTarget runs an attack on each of the cities at once, from one host that is connected
// to it. What has ended begins again.
func eachTarget(ctx context.Context, task attackTask, run func(context.Context, host.Host, peer.AddrInfo)) error {
	return asStranger(task, func(h host.Host, targets []peer.AddrInfo) error {
		var all sync.WaitGroup
		for _, target := range targets {
			all.Go(func() {
				for ctx.Err() == nil {
					if err := h.Connect(ctx, target); err == nil {
						run(ctx, h, target)
					}
					pause(ctx, lookEvery)
				}
			})
		}
		all.Wait()
		return nil
	})
}

// eachSecond calls f so often a second, until ctx is done or f fails.
func eachSecond(ctx context.Context, often int, f func() error) error {
	tick := time.NewTicker(time.Second / time.Duration(often))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := f(); err != nil && ctx.Err() == nil {
			return err
		}
	}
}

// pause waits for so long, or until ctx is done.
func pause(ctx context.Context, long time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(long):
	}
}

// newForeignHost returns a host of a key that nobody knows, without limits of its own,
// that dials from an IP address, over TCP, and listens there. The caller closes it.
func newForeignHost(from string, opts ...libp2p.Option) (host.Host, error) {
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	return libp2p.New(append(opts,
		libp2p.Transport(tcp.NewTCPTransport, tcp.WithDialerForAddr(func(ma.Multiaddr) (tcp.ContextDialer, error) { return dialer, nil })),
		libp2p.ListenAddrStrings("/ip4/"+from+"/tcp/0"),
		libp2p.ResourceManager(&network.NullResourceManager{}),
		libp2p.DisableRelay(),
		libp2p.DisableMetrics(),
	)...)
}
