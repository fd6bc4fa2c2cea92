//go:build linux

package hostile

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/memory"
	"github.com/citynode/citynode/node"
)

// A cityTask is what a process that is a city is told. The zero value of a field is the
// node's default.
type cityTask struct {
	Name      string
	Listen    []string // addresses; none: a port of loopback, TCP and QUIC
	Bootstrap []string // with /p2p
	DataDir   string   // none: the city is ephemeral
	Entries   int      // how many heroes it holds when it is ready
	Presence  time.Duration
	Files     int // how many files it may have open; 0: as many as the tests
}

// ready is what a city tells once it runs.
type ready struct {
	Peer  string
	Addrs []string // with /p2p
}

// vitals are how a city is doing, as it says itself.
type vitals struct {
	Heap       uint64 // bytes that are in use, after a collection
	Goroutines int
	Files      int // that are open
	Alive      []string
	Failed     []string
}

// runCity is the process of a city.
func runCity(task cityTask) error {
	cfg := node.Config{
		City:          city.Config{Name: task.Name, PatrolEvery: city.Off, FightEvery: city.Off},
		DataDir:       task.DataDir,
		PresenceEvery: task.Presence,
		Logger:        slog.New(slog.NewJSONHandler(os.Stderr, nil)),
	}
	var statuses statuses
	cfg.Events.City = statuses.note
	for _, addr := range task.Listen {
		cfg.Listen = append(cfg.Listen, ma.StringCast(addr))
	}
	for _, addr := range task.Bootstrap {
		cfg.Bootstrap = append(cfg.Bootstrap, ma.StringCast(addr))
	}
	n, err := node.New(cfg)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go memory.BoundGarbage(ctx) // as citynode run does
	ran, err := begin(ctx, n)
	if err != nil {
		return err
	}
	if err := fill(ctx, n, task.Entries); err != nil {
		return err
	}
	r := ready{Peer: n.Peer().String()}
	for _, addr := range n.Addrs() {
		r.Addrs = append(r.Addrs, addr.String())
	}
	if err := json.NewEncoder(os.Stdout).Encode(r); err != nil {
		return err
	}
	err = commands(func(string) any { return takeVitals(&statuses) })
	cancel()
	return errors.Join(err, <-ran)
}

// begin runs a node until ctx is done, and returns once it is ready.
func begin(ctx context.Context, n *node.Node) (ran <-chan error, err error) {
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	select {
	case <-n.Ready():
		return ended, nil
	case err := <-ended:
		return nil, err
	}
}

// fill gives a city so many heroes, which all cities that are filled have in common.
func fill(ctx context.Context, n *node.Node, count int) error {
	const batch = 10_000
	for first := 0; first < count; first += batch {
		var e crdt.Entries
		for i := first; i < min(first+batch, count); i++ {
			e.Heroes = append(e.Heroes, heroOf(uint64(i)))
		}
		if _, err := n.City().Do(ctx, city.Update{Entries: e, Source: city.SourceSync}); err != nil {
			return fmt.Errorf("fill the city: %w", err)
		}
	}
	return nil
}

// heroOf returns the hero of that number, which is the same in each process.
func heroOf(number uint64) crdt.Hero {
	var id crdt.ID
	binary.BigEndian.PutUint64(id[8:], number)
	id[0] = 1
	return crdt.Hero{
		ID: id, Name: fmt.Sprintf("Hero %d", number), Location: "home", Health: 100,
		Version: crdt.Version{HLC: crdt.EarliestSet},
	}
}

func takeVitals(s *statuses) vitals {
	runtime.GC() // what pools keep is free after the second collection
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	v := vitals{Heap: m.HeapAlloc, Goroutines: runtime.NumGoroutine()}
	if files, err := os.ReadDir("/proc/self/fd"); err == nil {
		v.Files = len(files)
	}
	v.Alive, v.Failed = s.names()
	return v
}

// A running city is a city as the tests see it.
type running struct {
	*process
	task cityTask
	info peer.AddrInfo
	addr string // the first, with /p2p
}

// startCity starts a city and waits until it runs.
func startCity(t *testing.T, task cityTask) *running {
	t.Helper()
	c := &running{process: launch(t, roleCity, task.Name, task, task.Files), task: task}
	var r ready
	c.read(t, &r)
	for _, addr := range r.Addrs {
		info, err := peer.AddrInfoFromString(addr)
		if err != nil {
			t.Fatal(err)
		}
		c.info.ID = info.ID
		c.info.Addrs = append(c.info.Addrs, info.Addrs...)
	}
	c.addr = r.Addrs[0]
	return c
}

// vitals asks the city how it is doing.
func (c *running) vitals(t *testing.T) (v vitals) {
	t.Helper()
	c.ask(t, "vitals", &v)
	return v
}
