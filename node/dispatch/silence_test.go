package dispatch

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/protocol"
)

// silentMax is what a call to a silent city may take, with room for a busy machine.
const silentMax = 4 * time.Second

// A directoryNode answers lookup and cities about gotham, as a node does.
type directoryNode struct {
	holders []host.Host                     // the first of them is where lookup leads
	status  atomic.Pointer[string]          // of the first holder; the others are alive
	looked  atomic.Int64                    // lookups
	answers func(lookup int64) (int, error) // which holder a lookup leads to; nil: the first
}

func (n *directoryNode) ServeCall(_ context.Context, call *protocol.Call) (any, error) {
	switch call.Request.Method {
	case protocol.MethodLookup:
		at := 0
		if lookup := n.looked.Add(1); n.answers != nil {
			var err error
			if at, err = n.answers(lookup); err != nil {
				return nil, err
			}
		}
		reply := protocol.LookupReply{Peer: []byte(n.holders[at].ID()), Addrs: [][]byte{}}
		for _, addr := range n.holders[at].Addrs() {
			reply.Addrs = append(reply.Addrs, addr.Bytes())
		}
		return reply, nil
	case protocol.MethodCities:
		var lines []protocol.CityLine
		for i, h := range n.holders {
			line := protocol.CityLine{Peer: []byte(h.ID()), Status: protocol.StatusAlive}
			line.Presence = protocol.Presence{City: "gotham", Since: 1, Incarnation: 1, Software: "test", Sent: 1}
			if s := n.status.Load(); i == 0 && s != nil {
				line.Status = protocol.CityStatus(*s)
			}
			lines = append(lines, line)
		}
		return protocol.CitiesReply{Cities: lines}, nil
	}
	return nil, protocol.ErrUnsupported
}

func (n *directoryNode) is(status protocol.CityStatus) { s := string(status); n.status.Store(&s) }

func listening(t *testing.T) host.Host {
	t.Helper()
	return newTestHost(t, libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"))
}

// askOf returns a dispatcher that asks that node.
func askOf(t *testing.T, n *directoryNode) *Dispatcher {
	t.Helper()
	h := listening(t)
	server := protocol.Server{City: "metropolis", Handler: n}
	h.SetStreamHandler(libp2pprotocol.ID(protocol.CallID("main")), func(s network.Stream) {
		_ = server.Serve(context.Background(), s, "a caller")
	})
	ctx, cancel := context.WithTimeout(t.Context(), linkMax)
	defer cancel()
	addrs, err := peer.AddrInfoToP2pAddrs(&peer.AddrInfo{ID: h.ID(), Addrs: h.Addrs()})
	if err != nil {
		t.Fatal(err)
	}
	// A host says a moment late, to those who connect, what it has begun to speak.
	for {
		d, err := Dial(ctx, Config{Network: "main", Nodes: addrs})
		if err == nil {
			t.Cleanup(func() { _ = d.Close() })
			return d
		}
		if !errors.Is(err, ErrUnreachable) || ctx.Err() != nil {
			t.Fatal(err)
		}
	}
}

// hangs has a host take calls and answer none.
func hangs(h host.Host) {
	h.SetStreamHandler(libp2pprotocol.ID(protocol.CallID("main")), func(s network.Stream) { _, _ = io.Copy(io.Discard, s) })
}

func get(ctx context.Context) func(*protocol.Client) error {
	return func(c *protocol.Client) error {
		_, err := c.Get(ctx, protocol.GetRequest{}, func(crdt.Entries) error { return nil })
		return err
	}
}

func TestACallToASilentCityEndsSoonWithWhatIsKnown(t *testing.T) {
	for status, sent := range map[protocol.CityStatus]string{protocol.StatusSuspect: "is suspect", protocol.StatusFailed: "has failed"} {
		t.Run(string(status), func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), linkMax)
			defer cancel()
			gotham := listening(t)
			hangs(gotham)
			n := &directoryNode{holders: []host.Host{gotham}}
			n.is(status)
			begun := time.Now()
			err := askOf(t, n).Call(ctx, "gotham", get(ctx))
			silent, ok := errors.AsType[*SilentError](err)
			if !ok || silent.Status != status || !silent.Sent || !errors.Is(err, protocol.ErrUnavailable) || time.Since(begun) > silentMax {
				t.Errorf("%v after %v", err, time.Since(begun))
			}
			if text := err.Error(); !strings.Contains(text, sent) || !strings.Contains(text, "outcome unknown") {
				t.Errorf("it says %q", text)
			}
		})
	}
}

func TestALookupOfASilentCityEndsSoonAndNothingWasSent(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), linkMax)
	defer cancel()
	n := &directoryNode{holders: []host.Host{listening(t)}}
	n.answers = func(int64) (int, error) {
		return 0, protocol.Errorf(protocol.Unavailable, "city gotham does not answer")
	}
	n.is(protocol.StatusFailed)
	begun := time.Now()
	err := askOf(t, n).Call(ctx, "gotham", func(*protocol.Client) error { t.Error("it was called"); return nil })
	if silent, ok := errors.AsType[*SilentError](err); !ok || silent.Sent || time.Since(begun) > silentMax {
		t.Errorf("%v after %v", err, time.Since(begun))
	}
}

func TestACallToACityThatIsOnlySlowIsWaitedFor(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	gotham := listening(t)
	hangs(gotham)
	err := askOf(t, &directoryNode{holders: []host.Host{gotham}}).Call(ctx, "gotham", get(ctx))
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want the end of the time", err)
	}
}

// The first holder breaks the stream once it may have the request, and is gone then. The
// second, which a lookup leads to from then on, must not carry it out as well.
func TestNoOtherHolderIsGivenARequestThatMayHaveBeenSent(t *testing.T) {
	for fact, sent := range map[string]bool{"sent": true, "not sent": false} {
		t.Run(fact, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), linkMax)
			defer cancel()
			first, second := listening(t), listening(t)
			first.SetStreamHandler(libp2pprotocol.ID(protocol.CallID("main")), func(s network.Stream) {
				_, _ = s.Read(make([]byte, 1))
				_ = s.Reset()
				_ = first.Close()
			})
			serve(second, "gotham")
			n := &directoryNode{holders: []host.Host{first, second}}
			n.answers = func(lookup int64) (int, error) { return min(int(lookup)-1, 1), nil }
			if !sent {
				_ = first.Close()
			}
			err := askOf(t, n).Call(ctx, "gotham", get(ctx))
			silent, ok := errors.AsType[*SilentError](err)
			if sent && (!ok || !silent.Sent) || !sent && err != nil {
				t.Errorf("%v", err)
			}
		})
	}
}
