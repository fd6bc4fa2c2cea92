//go:build linux

package hostile

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/citynode/citynode/bootstrap"
	"github.com/citynode/citynode/protocol"
)

const (
	// nowhere is the name that all bogus providers provide.
	nowhere = "nowhere"
	// trapPort is the port of all addresses that they tell. Whoever dials it is held.
	trapPort = 9999
	// trapAddrs is how many addresses of each kind each of them tells.
	trapAddrs = 11
)

// providers provide a name that nobody has, Number of them, at addresses where nobody
// answers: half of them public, half of a private network that only the cities are in.
var providers = newAttack("bogus providers", func(ctx context.Context, task attackTask, counts *tally) error {
	trap, err := net.Listen("tcp4", fmt.Sprint("0.0.0.0:", trapPort))
	if err != nil {
		return err
	}
	go spring(trap, counts)
	defer trap.Close()
	for n := range task.Number {
		if err := provide(ctx, task, n); err != nil {
			return err
		}
		counts.add("providers")
	}
	<-ctx.Done()
	return nil
})

// provide has one provider leave its record with each city, and go.
func provide(ctx context.Context, task attackTask, n int) error {
	return asStranger(task, func(h host.Host, targets []peer.AddrInfo) error {
		record := frameOf(addProvider(h.ID(), n))
		for _, target := range targets {
			if err := h.Connect(ctx, target); err != nil {
				return err
			}
			if err := leaveRecord(ctx, h, target.ID, record); err != nil {
				return err
			}
		}
		return nil
	})
}

// leaveRecord sends a record to a city, and waits until it is stored.
func leaveRecord(ctx context.Context, h host.Host, city peer.ID, record []byte) error {
	stream, err := h.NewStream(ctx, city, bootstrap.DHTProtocol(protocol.DHTPrefix))
	if err != nil {
		return err
	}
	_ = stream.SetDeadline(time.Now().Add(shortMax))
	if _, err := stream.Write(record); err != nil {
		return err
	}
	_ = stream.CloseWrite()
	_, _ = io.Copy(io.Discard, stream)
	return nil
}

// addProvider returns the nth provider's message, as the DHT has it: the kind, the key, and
// a peer with its addresses.
func addProvider(id peer.ID, n int) []byte {
	digest := protocol.NameDigest(protocol.DefaultNetwork, nowhere)
	key := append([]byte{0x12, byte(len(digest))}, digest[:]...) // the multihash of SHA2-256
	told := field(nil, 1, []byte(id))
	for i := range trapAddrs {
		last := 1 + (n*trapAddrs+i)%250
		for _, ip := range []string{fmt.Sprintf("%s.%d", publicNet, last), fmt.Sprintf("%s.77.%d", privateNet, last)} {
			told = field(told, 2, ma.StringCast(fmt.Sprintf("/ip4/%s/tcp/%d", ip, trapPort)).Bytes())
		}
	}
	return field(field([]byte{1 << 3, 2}, 2, key), 9, told)
}

// field appends a field of bytes, as protocol buffers have it.
func field(to []byte, number byte, content []byte) []byte {
	return append(binary.AppendUvarint(append(to, number<<3|2), uint64(len(content))), content...)
}

// frameOf puts the length before a message.
func frameOf(message []byte) []byte {
	return append(binary.AppendUvarint(nil, uint64(len(message))), message...)
}

// spring takes each connection to the trap, says nothing, and counts which address was
// dialed, and how many are there at once.
func spring(trap net.Listener, counts *tally) {
	var mu sync.Mutex // guards now, most
	now, most := 0, 0
	for {
		conn, err := trap.Accept()
		if err != nil {
			return
		}
		kind := "public addresses dialed"
		if strings.HasPrefix(conn.LocalAddr().String(), privateNet+".") {
			kind = "private addresses dialed"
		}
		counts.add(kind)
		mu.Lock()
		if now++; now > most {
			most = now
			counts.add("dialed at once, at most")
		}
		mu.Unlock()
		go func() {
			buffer := make([]byte, 1<<10)
			for err := error(nil); err == nil; {
				_, err = conn.Read(buffer)
			}
			_ = conn.Close()
			mu.Lock()
			now--
			mu.Unlock()
		}()
	}
}

func TestBogusProvidersDecideNeitherWhomACityDialsNorForHowLong(t *testing.T) {
	tasks := threeCities()
	for i := range tasks {
		public := fmt.Sprintf("/ip4/%s.%d/tcp/4100", publicNet, 200+i)
		tasks[i].Listen = append([]string{public}, tasks[i].Listen...)
	}
	c := newCluster(t, tasks...)
	attack := attackTask{Attack: providers, From: publicNet + ".6", Number: 24, Shown: "providers"}
	r := c.endure(t, attack, func(a *assault) {
		await(t, startMax, "all provide the name", func() bool { return a.counts(t)["providers"] == attack.Number })
		var took []time.Duration
		for range 4 { // in which all have been tried once
			took = append(took, c.lookUp(t, nowhere))
		}
		real := c.lookUp(t, "metropolis")
		t.Logf("lookups of the name take %v, one of a city %v", took, real)
		if !*short && (slices.Max(took) > 7*time.Second || took[3] > time.Second || real > time.Second) {
			t.Errorf("lookups of the name take %v, one of a city %v, want 5 s at most, nothing in the end, and nothing", took, real)
		}
	})
	r.judge(t)
	if n := r.counts["private addresses dialed"]; n > 0 {
		t.Errorf("%d addresses of a private network were dialed on a stranger's word", n)
	}
	// Four candidates with eight addresses each; the trap sees the end of some a little
	// later than the next has come.
	if n := r.counts["dialed at once, at most"]; n == 0 || n > 2*4*8 && !*short {
		t.Errorf("%d addresses were dialed at once, want some, and about 32 at most", n)
	}
}

// lookUp has the first city look a name up, and returns how long that took.
func (c *cluster) lookUp(t *testing.T, name string) time.Duration {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startMax)
	defer cancel()
	from := c.callers[0]
	client, err := openCalls(ctx, from.host, from.city)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close() //nolint:errcheck // ending anyway
	begun := time.Now()
	_, err = client.Lookup(ctx, name)
	if (err == nil) != (name != nowhere) {
		t.Errorf("look up %s: %v", name, err)
	}
	return time.Since(begun)
}
