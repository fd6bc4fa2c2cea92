package node

import (
	"context"
	"crypto/sha256"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"

	"github.com/citynode/citynode/bootstrap"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/protocol"
)

// stranger is a peer that speaks the protocols of a city but follows no rules:
// each test gives it its own.
type stranger struct {
	host.Host
	syncs atomic.Int32 // sync streams that were opened to it
}

// world is a network that tests run nodes on.
type world interface {
	host(...libp2p.Option) (host.Host, error)
}

// newStranger is a host that serves nothing yet, until the test ends.
func newStranger(t *testing.T, w world) *stranger {
	t.Helper()
	return newStrangerAs(t, w, newKey(t))
}

// newStrangerAs is newStranger with a key that another host may have had.
func newStrangerAs(t *testing.T, w world, key crypto.PrivKey) *stranger {
	t.Helper()
	h, err := w.host(libp2p.Identity(key), libp2p.ResourceManager(&network.NullResourceManager{}), libp2p.DisableRelay())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() }) //nolint:errcheck // ending anyway
	return &stranger{Host: h}
}

// claims has the stranger answer info as the city of that name, and nothing
// else, and reset all syncs.
func (s *stranger) claims(name string) { s.claimsOn(protocol.DefaultNetwork, name) }

// claimsOn is claims, as a city of that network.
func (s *stranger) claimsOn(network, name string) {
	s.claimsTo(protocol.InfoReply{
		Network: network, City: name, Software: "stranger",
		Since: crdt.StampAt(time.Now()), Incarnation: crdt.StampAt(time.Now()),
	})
}

// claimsTo is claims, with all that info says but the time.
func (s *stranger) claimsTo(info protocol.InfoReply) {
	s.answers(info.City, func(_ context.Context, call *protocol.Call) (any, error) {
		if call.Request.Method != protocol.MethodInfo {
			return nil, protocol.Errorf(protocol.NotFound, "nothing here")
		}
		info.Now = crdt.StampAt(time.Now())
		return info, nil
	})
	s.respondsToSync(resets)
}

// resets ends a sync as it begins.
func resets(stream network.Stream) { _ = stream.Reset() }

// answers has the stranger's calls answered by f.
func (s *stranger) answers(name string, f serveCall) {
	server := &protocol.Server{City: name, Handler: f}
	s.SetStreamHandler(libp2pprotocol.ID(protocol.CallID(protocol.DefaultNetwork)), func(stream network.Stream) {
		_ = server.Serve(context.Background(), stream, string(stream.Conn().RemotePeer())) // ends with the connection
	})
}

type serveCall func(context.Context, *protocol.Call) (any, error)

// ServeCall makes it a handler.
func (f serveCall) ServeCall(ctx context.Context, call *protocol.Call) (any, error) {
	return f(ctx, call)
}

// respondsToSync has the stranger's sync streams served by f.
func (s *stranger) respondsToSync(f func(network.Stream)) {
	s.SetStreamHandler(libp2pprotocol.ID(protocol.SyncID(protocol.DefaultNetwork)), func(stream network.Stream) {
		s.syncs.Add(1)
		f(stream)
	})
}

// provides has the stranger advertise a name in the DHT, until the test ends.
func (s *stranger) provides(t *testing.T, name string) {
	t.Helper()
	names, err := bootstrap.NewNames(s, bootstrap.NamesConfig{
		Digest: func(city string) [sha256.Size]byte { return protocol.NameDigest(protocol.DefaultNetwork, city) },
		Prefix: protocol.DHTPrefix,
		City:   name,
	})
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- names.Serve(context.Background()) }()
	t.Cleanup(func() {
		if err := errors.Join(names.Close(), <-served); err != nil {
			t.Error(err)
		}
	})
}

// gossips joins the topics with no validators, until the test ends, and waits
// until the others know of it.
func (s *stranger) gossips(t *testing.T) (deltas, presences *pubsub.Topic) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	ps, err := pubsub.NewGossipSub(ctx, s)
	if err != nil {
		t.Fatal(err)
	}
	open := func(name string) *pubsub.Topic {
		topic, err := ps.Join(name)
		if err != nil {
			t.Fatal(err)
		}
		sub, err := topic.Subscribe()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(sub.Cancel)
		return topic
	}
	deltas, presences = open(protocol.DeltaTopic(protocol.DefaultNetwork)), open(protocol.PresenceTopic(protocol.DefaultNetwork))
	eventually(t, "the stranger has peers in both topics", func() bool {
		return len(deltas.ListPeers()) > 0 && len(presences.ListPeers()) > 0
	})
	return deltas, presences
}

// publish publishes bytes as they are.
func publish(t *testing.T, topic *pubsub.Topic, data []byte) {
	t.Helper()
	if err := topic.Publish(t.Context(), data); err != nil {
		t.Fatal(err)
	}
}

// meets connects the stranger to the members.
func (s *stranger) meets(t *testing.T, members ...*member) {
	t.Helper()
	for _, m := range members {
		if err := s.Connect(t.Context(), peer.AddrInfo{ID: m.Peer(), Addrs: m.host.Addrs()}); err != nil {
			t.Fatal(err)
		}
	}
}

// callStream opens a stream for calls to a member.
func (s *stranger) callStream(t *testing.T, m *member) network.Stream {
	t.Helper()
	return s.stream(t, m, protocol.CallID(protocol.DefaultNetwork))
}

// syncStream opens a stream for a sync to a member.
func (s *stranger) syncStream(t *testing.T, m *member) network.Stream {
	t.Helper()
	return s.stream(t, m, protocol.SyncID(protocol.DefaultNetwork))
}

func (s *stranger) stream(t *testing.T, m *member, id string) network.Stream {
	t.Helper()
	stream, err := s.NewStream(t.Context(), m.Peer(), libp2pprotocol.ID(id))
	if err != nil {
		t.Fatal(err)
	}
	return stream
}

// client makes calls to a member on a stream of its own, until the test ends.
func (s *stranger) client(t *testing.T, m *member) *protocol.Client {
	t.Helper()
	c := protocol.NewClient(s.callStream(t, m))
	t.Cleanup(func() { c.Close() }) //nolint:errcheck // always nil
	return c
}
