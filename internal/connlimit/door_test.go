package connlimit

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	manet "github.com/multiformats/go-multiaddr/net"
)

// waitMax is far beyond what a busy machine needs.
const waitMax = time.Minute

// A safeBuffer is a log that a host writes to meanwhile.
type safeBuffer struct {
	mu sync.Mutex // guards text
	bytes.Buffer
}

// Write appends to the log.
func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *safeBuffer) count(text string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Count(b.String(), text)
}

// newDoorHost returns a host behind a door, where it can be dialed by a socket, and its log.
func newDoorHost(t *testing.T, shares Shares) (h host.Host, at string, log *safeBuffer) {
	t.Helper()
	log = new(safeBuffer)
	door := NewDoor(shares, slog.New(slog.NewTextHandler(log, nil)))
	h = newHost(t, door.HostOption())
	_, at, err := manet.DialArgs(h.Network().ListenAddresses()[0])
	if err != nil {
		t.Fatal(err)
	}
	return h, at, log
}

func newHost(t *testing.T, opts ...libp2p.Option) host.Host {
	t.Helper()
	h, err := libp2p.New(append(opts, libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.DisableRelay(), libp2p.DisableMetrics())...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() }) // ending anyway
	return h
}

// open opens a socket that says what it is given, and returns a channel that is closed
// once the other side has cut it.
func open(t *testing.T, at, words string) (cut chan struct{}) {
	t.Helper()
	conn, err := net.Dial("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, words); err != nil {
		t.Fatal(err)
	}
	cut = make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, conn) // until the other side ends it, or the test
		close(cut)
	}()
	t.Cleanup(func() { _ = conn.Close(); <-cut })
	return cut
}

func awaitCut(t *testing.T, cut chan struct{}) {
	t.Helper()
	select {
	case <-cut:
	case <-time.After(waitMax):
		t.Fatal("it is not cut")
	}
}

func expectOpen(t *testing.T, cut chan struct{}, what string) {
	t.Helper()
	select {
	case <-cut:
		t.Errorf("%s is cut", what)
	default:
	}
}

func TestASilentHandshakeIsCutInThreeSeconds(t *testing.T) {
	_, at, _ := newDoorHost(t, SharesOf(1024))
	for _, words := range []string{"", "\x13/multistream/1.0.0\n"} {
		begun := time.Now()
		awaitCut(t, open(t, at, words))
		// The first word may come a moment later. libp2p itself cuts after 15 s.
		if took := time.Since(begun); took < SilenceMax || took > 4*SilenceMax {
			t.Errorf("after %q it was cut after %v, want %v", words, took, SilenceMax)
		}
	}
}

func TestAProvedConnectionMayBeSilent(t *testing.T) {
	h, _, _ := newDoorHost(t, SharesOf(1024))
	other := newHost(t)
	ctx, cancel := context.WithTimeout(t.Context(), waitMax)
	defer cancel()
	if err := other.Connect(ctx, peer.AddrInfo{ID: h.ID(), Addrs: h.Addrs()}); err != nil {
		t.Fatal(err)
	}
	<-time.After(2 * SilenceMax) // real time: libp2p's identify is over within the first
	if conns := other.Network().ConnsToPeer(h.ID()); len(conns) != 1 || conns[0].IsClosed() {
		t.Errorf("%v", conns)
	}
}

// Sockets of one address have its share, and then the oldest goes, with one line in the
// log however many follow.
func TestSilentSocketsMakeRoomForTheNextOne(t *testing.T) {
	shares := SharesOf(1024)
	h, at, log := newDoorHost(t, shares)
	var sockets []chan struct{}
	for range shares.SilentPerHost / 2 {
		sockets = append(sockets, open(t, at, ""))
	}
	<-time.After(youngFor)
	other := newHost(t)
	ctx, cancel := context.WithTimeout(t.Context(), waitMax)
	defer cancel()
	if err := other.Connect(ctx, peer.AddrInfo{ID: h.ID(), Addrs: h.Addrs()}); err != nil {
		t.Fatal(err)
	}
	awaitCut(t, sockets[0])
	expectOpen(t, sockets[len(sockets)-1], "the youngest socket")
	open(t, at, "")
	open(t, at, "")
	awaitCut(t, sockets[1])
	if told := log.count("say nothing"); told != 1 {
		t.Errorf("it is told %d times, want once", told)
	}
}
