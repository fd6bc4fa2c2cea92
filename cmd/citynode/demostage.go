package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/node"
	"github.com/citynode/citynode/protocol"
)

const (
	demoTick     = time.Second
	demoPresence = time.Second
	// demoStopWait bounds how long the end of a demo waits for goodbyes.
	demoStopWait = 5 * time.Second
)

var demoNames = []string{
	"gotham", "metropolis", "star-city", "central-city", "coast-city", "smallville", "hub-city", "fawcett",
	"opal-city", "gateway", "bludhaven", "themyscira", "atlantis", "midway", "keystone", "ivy-town",
}

// stage is where a demo plays: nodes in this process.
type stage struct {
	network string
	out     *teller
	actors  []*actor
	admins  []peer.ID
	keys    []crypto.PrivKey

	patrols, fights, deaths, deltas, syncs atomic.Uint64
	over                                   atomic.Bool // the end has been told
}

// actor is one city of a demo.
type actor struct {
	name   string
	node   *node.Node
	leave  context.CancelFunc
	ended  chan struct{} // closed when err is set
	err    error
	starts atomic.Uint64
	opened atomic.Uint64
	fights atomic.Uint64
}

func newStage(network string, out *teller) *stage { return &stage{network: network, out: out} }

// enter starts the cities, each knowing the one before it.
func (s *stage) enter(ctx context.Context, cities int) error {
	if err := s.makeKeys(cities); err != nil {
		return err
	}
	for i := range cities {
		if err := s.enterOne(i); err != nil {
			return fmt.Errorf("start %s: %w", demoNames[i], err)
		}
	}
	for _, a := range s.actors {
		select {
		case <-a.node.Ready():
		case <-a.ended:
			return fmt.Errorf("run %s: %w", a.name, a.err)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// makeKeys makes the identities, each of which may bomb the others.
func (s *stage) makeKeys(cities int) error {
	for range cities {
		key, _, err := crypto.GenerateEd25519Key(rand.Reader)
		if err != nil {
			return fmt.Errorf("make an identity: %w", err)
		}
		id, err := peer.IDFromPrivateKey(key)
		if err != nil {
			return fmt.Errorf("make an identity: %w", err)
		}
		s.keys, s.admins = append(s.keys, key), append(s.admins, id)
	}
	return nil
}

func (s *stage) enterOne(i int) error {
	a := &actor{name: demoNames[i], ended: make(chan struct{})}
	config := node.Config{
		City:          city.Config{Name: a.name, PatrolEvery: demoTick, FightEvery: demoTick},
		Network:       s.network,
		Identity:      s.keys[i],
		Admins:        s.admins,
		PresenceEvery: demoPresence,
		Software:      software(),
		Events:        s.events(a),
	}
	if i > 0 {
		config.Bootstrap = s.actors[i-1].node.Addrs()
	}
	var err error
	if a.node, err = node.New(config); err != nil {
		return err
	}
	var ctx context.Context
	ctx, a.leave = context.WithCancel(context.Background())
	go func() {
		defer close(a.ended)
		a.err = a.node.Run(ctx)
	}()
	s.actors = append(s.actors, a)
	return nil
}

// events counts what happens, and tells what a city does itself: what it hears
// from others has been told.
func (s *stage) events(a *actor) node.Events {
	return node.Events{
		Changed: func(c city.SourcedChange) {
			switch c.Source {
			case city.SourceSelf:
				s.count(a, c.Events())
				if !s.over.Load() {
					s.out.tell(changeTale(time.Now(), c))
				}
			case city.SourceGossip:
				s.deltas.Add(1)
			}
		},
		Started: func(crdt.Stamp) { a.starts.Add(1) },
		Opened:  func(bool) { a.opened.Add(1) },
		Synced: func(e node.SyncEvent) {
			if e.Err == nil {
				s.syncs.Add(1)
			}
		},
	}
}

func (s *stage) count(a *actor, events []crdt.Event) {
	for _, e := range events {
		switch e.Kind {
		case crdt.EventPatrolling:
			s.patrols.Add(1)
		case crdt.EventFought:
			s.fights.Add(1)
			a.fights.Add(1)
		case crdt.EventDied:
			s.deaths.Add(1)
		}
	}
}

// call calls a city over the wire, from its neighbour.
func (s *stage) call(ctx context.Context, to int, do func(*protocol.Client) error) error {
	from := s.actors[(to+1)%len(s.actors)]
	return from.node.Call(ctx, s.actors[to].name, do)
}

// infos asks every city how it is.
func (s *stage) infos(ctx context.Context) ([]protocol.InfoReply, error) {
	infos := make([]protocol.InfoReply, len(s.actors))
	for i, a := range s.actors {
		err := s.call(ctx, i, func(c *protocol.Client) (err error) {
			infos[i], err = c.Info(ctx)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("ask %s: %w", a.name, err)
		}
	}
	return infos, nil
}

// close has all cities leave, and waits for it.
func (s *stage) close() {
	for _, a := range s.actors {
		a.leave()
	}
	late := time.After(demoStopWait)
	for _, a := range s.actors {
		select {
		case <-a.ended:
		case <-late:
			return
		}
	}
}
