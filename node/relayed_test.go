package node

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/protocol"
)

// apartFrom has a city's host not linked to some others: each is behind a NAT of its own.
func (n *mockNet) apartFrom(cfg Config, others ...*member) Config {
	cfg.NewHost = func(opts ...libp2p.Option) (host.Host, error) {
		h, err := n.host(opts...)
		if err == nil {
			for _, other := range others {
				err = errors.Join(err, n.UnlinkPeers(h.ID(), other.Peer()))
			}
		}
		return h, err
	}
	return cfg
}

// throughStar returns gotham and metropolis, which have star in common and no link.
func throughStar(t *testing.T, net *mockNet) (gotham, star, metropolis *member) {
	t.Helper()
	star = net.start(t, quiet("star"))
	gotham = net.start(t, quiet("gotham"), star)
	cfg := net.apartFrom(quiet("metropolis"), gotham)
	cfg.Bootstrap = star.Addrs()
	metropolis = start(t, cfg)
	awaitReady(t, star, gotham, metropolis)
	for _, m := range []*member{gotham, metropolis} {
		eventually(t, m.cfg.City.Name+" knows of the other through star", func() bool {
			return len(m.Cities()) == 2 && m.status(t).Relayed == 1
		})
	}
	return gotham, star, metropolis
}

func TestACityThatCannotBeReachedIsShownThroughWhomItIsHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		gotham, star, metropolis := throughStar(t, net)
		gotham.create(t, "Batman")
		awaitEqual(t, gotham, star, metropolis)
		time.Sleep(25 * time.Second)
		c := gotham.knows(t, "metropolis")
		if c.Status != Relayed || c.Via != star.Peer() || c.Peer != metropolis.Peer() || c.Incarnation != metropolis.facts.Incarnation() {
			t.Errorf("it is %+v", c)
		}
		if c.Agrees == nil || !*c.Agrees || c.Summary != metropolis.summary() || c.Agreed != 0 {
			t.Errorf("it agrees by its word through star: %s, %+v", said(c.Agrees), c)
		}
		if c := star.knows(t, "metropolis"); c.Status != Alive || c.Via != "" {
			t.Errorf("to star it is %s", c.Status)
		}
		begun := time.Now()
		_, err := gotham.Lookup(t.Context(), "metropolis")
		if took := time.Since(begun); !errors.Is(err, protocol.ErrUnavailable) || !strings.Contains(err.Error(), "only through star") || took > 2*time.Second {
			t.Errorf("a lookup says after %v: %v", took, err)
		}
		lines := settled(t, star, "gotham")
		if len(lines) != 2 || lines[0].City != "metropolis" || !strings.Contains(lines[0].Error, "only through star") || lines[1].Error != "" {
			t.Errorf("a settle says %+v", lines)
		}
		net.link(gotham.Peer(), metropolis.Peer())
		eventually(t, "it is alive once it can be reached", func() bool { return gotham.knows(t, "metropolis").Status == Alive })
		if c := gotham.knows(t, "metropolis"); c.Via != "" || len(gotham.Cities()) != 2 {
			t.Errorf("then it is %+v", c)
		}
	})
}

func TestACityThatWasAliveAndCannotBeReachedAnyMoreIsRelayed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		cities := net.quietChain(t, "star", "gotham", "metropolis")
		awaitAlive(t, cities...)
		star, gotham, metropolis := cities[0], cities[1], cities[2]
		eventually(t, "star and metropolis gossip", func() bool { return len(star.presences()) == 2 })
		found := gotham.knows(t, "metropolis")
		if err := errors.Join(net.UnlinkPeers(gotham.Peer(), metropolis.Peer()), net.DisconnectPeers(gotham.Peer(), metropolis.Peer())); err != nil {
			t.Fatal(err)
		}
		net.endOrphans()
		within(t, waitMax, "being relayed", func() {
			eventually(t, "it is relayed", func() bool { return gotham.knows(t, "metropolis").Status == Relayed })
		})
		if c := gotham.knows(t, "metropolis"); c.Via != star.Peer() || c.Agreed != found.Agreed || len(gotham.Cities()) != 2 {
			t.Errorf("it is %+v, was %+v", c, found)
		}
		net.vanish(t, metropolis)
		eventually(t, "it has failed once nobody hears it", func() bool { return gotham.knows(t, "metropolis").Status == Failed })
	})
}

// Anybody can make keys up, sign presences with them, and have them passed on.
func TestAuthorsThatAreMadeUpCostAPlaceAndNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		gotham, star, _ := throughStar(t, net)
		foe := newStranger(t, net)
		if err := net.UnlinkPeers(foe.ID(), gotham.Peer()); err != nil {
			t.Fatal(err)
		}
		foe.meets(t, star)
		_, presences := foe.gossips(t)
		claim := protocol.Presence{City: "atlantis", Software: "foe", Since: crdt.StampAt(time.Now()), Incarnation: crdt.StampAt(time.Now())}
		for range 5 {
			claim.Sent = crdt.StampAt(time.Now())
			data, err := protocol.Marshal(claim)
			if err != nil {
				t.Fatal(err)
			}
			publish(t, presences, data)
			time.Sleep(2 * time.Second)
		}
		byPeer := make(map[peer.ID]CityStatus)
		for _, c := range gotham.Cities() {
			byPeer[c.Peer] = c.Status
		}
		if len(byPeer) != 3 || byPeer[foe.ID()] != Relayed {
			t.Errorf("gotham knows %v", byPeer)
		}
		if told := gotham.told("atlantis"); len(told) != 0 {
			t.Errorf("who was made up is told of as %v", told)
		}
		time.Sleep(time.Minute) // the foe says nothing any more
		if n := gotham.status(t).Relayed; n != 1 {
			t.Errorf("%d are relayed in the end", n)
		}
	})
}
