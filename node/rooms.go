package node

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"

	"github.com/citynode/citynode/bootstrap"
	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/antientropy"
	"github.com/citynode/citynode/internal/gossip"
	"github.com/citynode/citynode/internal/membership"
	"github.com/citynode/citynode/internal/names"
	"github.com/citynode/citynode/internal/reconcile"
	"github.com/citynode/citynode/internal/streams"
	"github.com/citynode/citynode/internal/supervise"
	"github.com/citynode/citynode/protocol"
)

// peersFile is the name, in the city's folder, of the last-known peers.
const peersFile = "peers"

// furnish makes the rooms that need the host, each from those before it. A room is
// given what it needs as values, functions and small interfaces, never the node.
//
// Four hooks lead to a room that is made later: the opening of the city to members,
// which judge its clock (openCity), a peer that joins gossip to members, which greet
// it (joinedGossip), what a peer shows in a sync to members (greeted), and what a city
// says of itself to names (identified). Presences have what health has found (self). They are
// called only once the rooms run, when all of them are there. What happens in the city
// goes to the rooms without passing here: they observe it.
func (n *Node) furnish() error {
	syncID, callID := libp2pprotocol.ID(protocol.SyncID(n.cfg.Network)), libp2pprotocol.ID(protocol.CallID(n.cfg.Network))
	n.self = &self{
		cfg: n.cfg, peer: n.host.ID(), city: n.city, facts: n.facts, instance: n.instance,
		problems: func() []protocol.Problem { return n.health.Own() },
	}
	n.directory = membership.NewDirectory()
	n.agreements = membership.NewAgreements()
	n.hearsay = membership.NewHearsay()
	n.neighbours = membership.NewNeighbours(n.host, syncID)
	n.clients = streams.NewClients(n.host, callID)
	n.twins = n.newTwins(syncID, callID)
	if err := n.connect(syncID, callID); err != nil {
		return err
	}
	n.entropy = n.newEntropy(syncID)
	if err := n.joinGossip(syncID, callID); err != nil {
		return err
	}
	n.health = n.newHealth()
	n.draining.told = n.health.Wake
	n.names = n.newNames()
	n.observeCity()
	n.calls = n.newCalls()
	var err error
	n.supervisor, err = supervise.New(supervise.Config{
		Children: n.children(syncID, callID),
		StopBy:   n.ending.childrenBy,
		Observer: n.observer(),
	})
	return err
}

// connect makes what finds peers and keeps the host connected.
func (n *Node) connect(syncID, callID libp2pprotocol.ID) (err error) {
	peers := ""
	if n.cfg.DataDir != "" {
		peers = filepath.Join(n.cfg.DataDir, peersFile)
	}
	// Saved peers only shorten the way back, so a file that is damaged is no reason not to
	// start. One that cannot be read says that something is wrong with the folder.
	n.saved, err = bootstrap.OpenSaved(peers)
	if _, corrupt := errors.AsType[*bootstrap.CorruptError](err); corrupt {
		n.cfg.logger(logBootstrap).Warn("last-known peers were damaged and set aside", "err", err)
	} else if err != nil {
		return err
	}
	n.reserve()
	n.redialer, err = bootstrap.NewRedialer(n.host, bootstrap.RedialConfig{
		Bootstrap: n.cfg.Bootstrap,
		Saved:     n.saved,
		// A bootstrap list may name any libp2p peer; only cities are worth coming back to.
		Worth: func(_ peer.ID, spoken []libp2pprotocol.ID) bool {
			return streams.SpeaksAll(spoken, callID, syncID)
		},
		Foreign: n.cfg.foreign,
		Events:  bootstrap.RedialEvents{DialFailed: n.cfg.Events.dialFailed},
		Logger:  n.cfg.logger(logBootstrap),
	})
	if err != nil {
		return err
	}
	if n.cfg.MDNS {
		n.mdns = bootstrap.NewMDNS(n.host, bootstrap.MDNSConfig{
			Service: protocol.MDNSService,
			Found:   n.redialer.Found,
			Own:     func(info peer.AddrInfo) { n.twins.Hint(info.Addrs...) },
			Logger:  n.cfg.logger(logBootstrap),
		})
	}
	n.dht, err = bootstrap.NewNames(n.host, bootstrap.NamesConfig{
		Digest: func(city string) [sha256.Size]byte { return protocol.NameDigest(n.cfg.Network, city) },
		Prefix: protocol.DHTPrefix,
		City:   n.cfg.City.Name,
		IsCity: func(spoken []libp2pprotocol.ID) bool { return streams.SpeaksAll(spoken, callID, syncID) },
		Logger: n.cfg.logger(logNames),
	})
	return err
}

// reserve lets those that were known before connect however many strangers do.
func (n *Node) reserve() {
	for _, info := range n.saved.Peers() {
		n.known.Note(info.ID, info.Addrs)
	}
	infos, err := peer.AddrInfosFromP2pAddrs(n.cfg.Bootstrap...)
	if err != nil {
		return // a name among them, or what Redialer refuses; such a peer is known once it answers
	}
	for _, info := range infos {
		n.known.Note(info.ID, info.Addrs)
	}
}

// newEntropy makes anti-entropy, before gossip, which asks it to repair what was lost.
func (n *Node) newEntropy(syncID libp2pprotocol.ID) *antientropy.AntiEntropy {
	return antientropy.New(antientropy.Config{
		Host:     n.host,
		Protocol: syncID,
		City:     n.city,
		Open:     n.openCity,
		Cluster: &cluster{
			Directory: n.directory, neighbours: n.neighbours, agreements: n.agreements,
			relayed: func() []membership.Entry { return n.members.Relayed() },
		},
		FindAddrs:    n.dht.FindAddrs,
		ExpectsPeers: n.expectsPeers,
		Trusted:      n.cfg.Trusted,
		Every:        n.cfg.SyncEvery,
		Now:          n.now,
		Logger:       n.cfg.logger(logSync),
		Hooks:        antientropy.Hooks{Greeted: n.greeted, Synced: n.cfg.Events.synced, Joining: n.cfg.Events.joining},
	})
}

// joinGossip makes what speaks over GossipSub.
func (n *Node) joinGossip(syncID, callID libp2pprotocol.ID) (err error) {
	n.router, err = gossip.NewRouter(gossip.RouterConfig{
		Host:        n.host,
		PubSub:      n.cfg.PubSub,
		HostStays:   n.cfg.Host != nil,
		Network:     n.cfg.Network,
		KnownPeers:  len(n.saved.Peers()),
		PrivateNets: privateNets(),
		Known:       n.entropy.Known,
		Missed:      n.entropy.Missed,
		Lost:        n.entropy.Lost,
		OwnEcho:     n.twins.HintFrom,
		Logger:      n.cfg.logger(LogLibp2p),
	})
	if err != nil {
		return err
	}
	n.deltas, err = gossip.NewDeltas(n.router, gossip.Config{
		Network: n.cfg.Network,
		City:    n.city,
		Joined:  n.joinedGossip,
		Lost:    n.entropy.Lost,
		Known:   n.entropy.Known,
		Flooded: n.flooded,
		// What is stamped later all cities skip, so nobody need pass it on.
		Horizon: func() crdt.Stamp { return n.now().Add(city.FutureSkewMax) },
		Off:     n.cfg.NoGossip,
	})
	if err != nil {
		return err
	}
	presences, err := n.router.Join(protocol.PresenceTopic(n.cfg.Network), membership.NewScreen(n.host.ID(), n.directory).Validate)
	if err != nil {
		return err
	}
	signs, err := n.router.Join(protocol.AliveTopic(n.cfg.Network), membership.ValidateSign)
	if err != nil {
		return err
	}
	n.members = membership.New(membership.Config{
		Host:         n.host,
		Directory:    n.directory,
		Neighbours:   n.neighbours,
		Agreements:   n.agreements,
		Hearsay:      n.hearsay,
		Clients:      n.clients,
		Protocols:    []libp2pprotocol.ID{callID, syncID},
		Alive:        libp2pprotocol.ID(protocol.AliveID(n.cfg.Network)),
		Topic:        presences,
		Signs:        signs,
		Refuses:      n.cfg.refuses,
		Unwatched:    n.cfg.unwatched,
		Network:      n.cfg.Network,
		Self:         n.self,
		FindAddrs:    n.dht.FindAddrs,
		Every:        n.cfg.PresenceEvery,
		ClockSkewMax: city.FutureSkewMax,
		Now:          n.cfg.Now,
		Logger:       n.cfg.logger(logPresence),
		Hooks: membership.Hooks{
			Changed:    n.cfg.Events.cityChanged,
			Identified: n.identified,
			Shown:      n.entropy.Compare,
			Departed:   n.departed,
			Returned:   n.redialer.Hasten,
		},
	})
	return nil
}

// newNames makes the names, the last of the rooms: they use members and the DHT.
func (n *Node) newNames() *names.Names {
	return names.New(names.Config{
		Host:          n.host,
		Network:       n.cfg.Network,
		City:          n.cfg.City.Name,
		Directory:     n.directory,
		Members:       n.members,
		Clients:       n.clients,
		DHT:           n.dht,
		Tenure:        n.facts,
		Apart:         n.apart,
		Neighbours:    n.neighbours.Pick,
		Await:         n.awaitNeighbours,
		PresenceEvery: n.cfg.PresenceEvery,
		Trusted:       n.cfg.Trusted,
		Now:           n.now,
		Logger:        n.cfg.logger(logNames),
		Contested:     n.contested,
	})
}

// apart returns the peers that are known by a name only through others.
func (n *Node) apart(name string) (some []names.Apart) {
	for _, e := range n.members.Relayed() {
		if e.Presence.City == name {
			some = append(some, names.Apart{Peer: e.Peer, Why: whyApart(n.directory, e)})
		}
	}
	return some
}

// expectsPeers reports whether there are peers that could become neighbours soon.
func (n *Node) expectsPeers() bool { return len(n.cfg.Bootstrap) > 0 || len(n.saved.Peers()) > 0 }

// awaitNeighbours waits until a city is connected, if there are peers that may
// become one, for antientropy.ConnectWait at most.
func (n *Node) awaitNeighbours(ctx context.Context) {
	if !n.expectsPeers() {
		return
	}
	// As long as the opening of the city waits for one: the name and the state are asked of
	// the same neighbours.
	ctx, cancel := context.WithTimeout(ctx, antientropy.ConnectWait)
	defer cancel()
	n.neighbours.Await(ctx)
}

// observeCity has the rooms hear what happens in the city, and the program after them:
// its callbacks may be slow, and may end the program. All are called in the city's loop,
// so each room only notes what it is told, and acts in a goroutine of its own.
func (n *Node) observeCity() {
	n.city.Observe(city.Observer{Started: n.cityStarted, Stepped: n.deltas.Stepped})
	n.city.Observe(city.Observer{
		Started: func(crdt.Stamp) { n.agreements.Began(time.Now()) },
		Held:    func(s crdt.Summary) { n.agreements.Held(s, time.Now()) },
	})
	n.city.Observe(city.Observer{
		Started: func(crdt.Stamp) { n.members.Announce(); n.entropy.IncarnationStarted() },
		Stepped: n.entropy.Stepped,
	})
	log := n.cfg.logger(logCity)
	n.city.Observe(city.Observer{Stepped: func(fx *city.Effects) { logChanges(log, fx) }})
	n.city.Observe(city.Observer{Started: n.cfg.Events.started, Stepped: n.cfg.Events.changed})
}

// flooded closes the connections of a stranger who gossips far more than it may. It may
// come again, and is closed again while it goes on.
func (n *Node) flooded(p peer.ID) {
	n.floods.Do(func() { n.log.Warn("peer gossips far too much, its connections are closed", "peer", p) })
	_ = n.host.Network().ClosePeer(p) // what is broken already needs no closing
}

// joinedGossip greets a peer that joins the topic of deltas: it has missed what was
// gossiped before. It need not be a city; a session with one that is none ends at once.
func (n *Node) joinedGossip(p peer.ID) {
	n.entropy.Meet(p)
	n.members.Announce()
}

// departedMax bounds telling the city that a caller has departed: whoever tells it has
// other departures to look to. A city that is not told remembers the caller's answers in
// the wrong share, and nothing else.
const departedMax = time.Second

// departed tells the city that a peer has no connection any more.
func (n *Node) departed(p peer.ID) {
	ctx, cancel := context.WithTimeout(context.Background(), departedMax)
	defer cancel()
	_, _ = n.city.Do(ctx, city.Departed{Name: string(p)})
}

// identified passes on what a city has said of itself. Only news of a city makes a session:
// what is said again brings nothing that the rounds would not.
func (n *Node) identified(p peer.ID, info protocol.InfoReply, changed *membership.Event) {
	n.names.Identified(p, info, changed)
	if changed != nil {
		n.known.Note(p, n.members.AddrInfo(p).Addrs)
		n.entropy.Meet(p)
	}
}

// greeted passes on what a peer has shown at the beginning of a sync.
func (n *Node) greeted(p peer.ID, of reconcile.Hello) {
	n.members.Greeted(p, of.Incarnation, of.Summary)
}

// cluster is the directory and the neighbours, as anti-entropy needs them.
type cluster struct {
	*membership.Directory
	neighbours *membership.Neighbours
	agreements *membership.Agreements
	relayed    func() []membership.Entry
}

// Neighbours returns up to most connected cities, drawn at random.
func (c *cluster) Neighbours(most int) []peer.ID { return c.neighbours.Pick(most) }

// Alive returns all cities that are alive or suspect, also those that are known only through
// others: of one that falls silent a settle has to tell.
func (c *cluster) Alive() []antientropy.Neighbour {
	var some []antientropy.Neighbour
	here := make(map[peer.ID]bool)
	for _, e := range c.Present() {
		here[e.Peer] = true
		some = append(some, antientropy.Neighbour{Name: e.Presence.City, Peer: e.Peer})
	}
	for _, e := range c.relayed() {
		if !here[e.Peer] {
			some = append(some, antientropy.Neighbour{Name: e.Presence.City, Peer: e.Peer, Apart: whyApart(c.Directory, e)})
		}
	}
	return some
}

// whyApart returns why a city that is known only through others cannot be asked.
func whyApart(d *membership.Directory, e membership.Entry) error {
	via := e.Via.String()
	if through, known := d.Get(e.Via); known {
		via = through.Presence.City
	}
	return fmt.Errorf("city %s is known only through %s, and cannot be reached from here: %w", e.Presence.City, via, e.Failure)
}

// NameOf returns the name of a city, "" where it is not known.
func (c *cluster) NameOf(p peer.ID) string {
	e, _ := c.Get(p)
	return e.Presence.City
}

// Agreed notes a complete session that began at start.
func (c *cluster) Agreed(p peer.ID, of reconcile.Hello, start crdt.Stamp, begun time.Time) {
	c.Agree(p, of.Incarnation, start)
	c.agreements.Synced(p, of.Incarnation, of.Summary, begun)
	c.NoteClock(p, of.Now)
}
