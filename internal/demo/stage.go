package demo

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
	// tick and presenceEvery are a fifth and a tenth of a city's defaults: the show is to
	// last seconds.
	tick          = time.Second
	presenceEvery = time.Second
	// stopWait bounds how long the end of a demo waits for goodbyes.
	stopWait = 5 * time.Second
)

// cityNames has CitiesMax names.
var cityNames = []string{
	"gotham", "metropolis", "star-city", "central-city", "coast-city", "smallville", "hub-city", "fawcett",
	"opal-city", "gateway", "bludhaven", "themyscira", "atlantis", "midway", "keystone", "ivy-town",
}

// A stage is where a demo plays: nodes in this process. It belongs to the goroutine of
// Run; the nodes' callbacks touch the counters and nothing else.
type stage struct {
	config Config
	actors []*actor
	admins []peer.ID
	keys   []crypto.PrivKey

	patrols, fights, deaths, deltas, syncs atomic.Uint64
	over                                   atomic.Bool // what happens now comes after the summary
}

// An actor is one city of a demo.
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

// enter starts the cities, each knowing the one before it, so that they have to find the
// others. It returns once each is ready, or the first one has ended instead.
func (s *stage) enter(ctx context.Context) error {
	if err := s.makeKeys(); err != nil {
		return err
	}
	for i := range s.config.Cities {
		if err := s.enterOne(i); err != nil {
			return fmt.Errorf("start %s: %w", cityNames[i], err)
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

// makeKeys makes the identities, each of which may bomb the others. All are made before the
// first city starts, for it is told then who its admins are.
func (s *stage) makeKeys() error {
	for range s.config.Cities {
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
	a := &actor{name: cityNames[i], ended: make(chan struct{})}
	config := node.Config{
		City:          city.Config{Name: a.name, PatrolEvery: tick, FightEvery: tick},
		Network:       s.config.Network,
		Identity:      s.keys[i],
		Admins:        s.admins,
		PresenceEvery: presenceEvery,
		Software:      s.config.Software,
		Events:        s.events(a),
	}
	if i > 0 {
		config.Bootstrap = s.actors[i-1].node.Addrs()
	}
	var err error
	if a.node, err = node.New(config); err != nil {
		return err
	}
	// Not the context of the show: after that has ended the cities are asked once more, and
	// say goodbye.
	var ctx context.Context
	ctx, a.leave = context.WithCancel(context.Background())
	go func() {
		defer close(a.ended)
		a.err = a.node.Run(ctx)
	}()
	s.actors = append(s.actors, a)
	return nil
}

// events returns callbacks that count what happens, and tell what a city does by
// itself: what it hears from others has been told.
func (s *stage) events(a *actor) node.Events {
	return node.Events{
		Changed: func(c city.SourcedChange) {
			switch c.Source {
			case city.SourceSelf:
				s.count(a, c.Events())
				if !s.over.Load() {
					s.config.Changed(c)
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

// count is called in the loop of the city, so it only counts.
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

// call calls a city over the wire, from its neighbour: a call from its own node would stay
// in memory and show less.
func (s *stage) call(ctx context.Context, to int, do func(*protocol.Client) error) error {
	from := s.actors[(to+1)%len(s.actors)]
	return from.node.Call(ctx, s.actors[to].name, do)
}

// status asks every city how it is, one after another. So Equal may be false where a hero
// has just changed.
func (s *stage) status(ctx context.Context) (Status, error) {
	status := Status{Equal: true}
	for i, a := range s.actors {
		var info protocol.InfoReply
		err := s.call(ctx, i, func(c *protocol.Client) (err error) {
			info, err = c.Info(ctx)
			return err
		})
		if err != nil {
			return Status{}, fmt.Errorf("ask %s: %w", a.name, err)
		}
		status.Cities = append(status.Cities, City{
			Name: info.City, Peer: a.node.Peer(), Summary: info.Summary, Restarts: info.Restarts,
		})
		status.Equal = status.Equal && info.Summary == status.Cities[0].Summary
	}
	return status, nil
}

// sum returns the summary of what was counted.
func (s *stage) sum(end Status) Summary {
	return Summary{
		Status:  end,
		Patrols: s.patrols.Load(),
		Fights:  s.fights.Load(),
		Deaths:  s.deaths.Load(),
		Deltas:  s.deltas.Load(),
		Syncs:   s.syncs.Load(),
	}
}

// close has all cities leave, and waits for it, for all of them together no longer than
// stopWait.
func (s *stage) close() {
	for _, a := range s.actors {
		a.leave()
	}
	late := time.After(stopWait)
	for _, a := range s.actors {
		select {
		case <-a.ended:
		case <-late:
			return
		}
	}
}
