//go:build linux

package hostile

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

const (
	// reopenAfter is when an attacker opens a socket again. To open sockets faster
	// floods the kernel's queues, not the city.
	reopenAfter = 250 * time.Millisecond
	// silenceMax is what a silent handshake may take, and a second for a busy machine.
	silenceMax = 4 * time.Second
	// newcomersApart is between two newcomers, whose own work is not to be taken for
	// that of the attack.
	newcomersApart = 50 * time.Millisecond
)

// silentSockets holds TCP connections to each city, and says nothing on them. Each that is
// closed is opened anew.
var silentSockets = newAttack("silent sockets", func(ctx context.Context, task attackTask, counts *tally) error {
	targets, err := task.targets()
	if err != nil {
		return err
	}
	var sockets sync.WaitGroup
	for _, target := range targets {
		_, to, err := manet.DialArgs(target.Addrs[0])
		if err != nil {
			return err
		}
		for range task.Number {
			sockets.Go(func() {
				for ctx.Err() == nil {
					beSilent(ctx, task.From, to, counts)
				}
			})
		}
	}
	sockets.Wait()
	return nil
})

// beSilent holds one connection until the other side closes it.
func beSilent(ctx context.Context, from, to string, counts *tally) {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: 5 * time.Second}
	conn, err := dialer.DialContext(ctx, "tcp", to)
	if err != nil {
		counts.add("dials that failed")
		<-time.After(reopenAfter)
		return
	}
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	begun := time.Now()
	for buffer := make([]byte, 1<<10); err == nil; {
		_, err = conn.Read(buffer) // what the other side says first
	}
	_ = conn.Close()
	if ctx.Err() != nil {
		return
	}
	counts.add("sockets cut")
	if took := time.Since(begun); took > silenceMax {
		counts.add("sockets cut late")
	}
	<-time.After(reopenAfter)
}

// newcomers has so many strangers connect to a city at one of its addresses, one after
// another, each from an address of its own below net, and returns how many could call it.
func newcomers(t *testing.T, city *running, addr ma.Multiaddr, net string, count int) (in int) {
	t.Helper()
	for i := range count {
		<-time.After(newcomersApart)
		from := net
		if from != loopback {
			from = fmt.Sprintf("%s.%d", net, i+1)
		}
		if err := comeIn(t, city, addr, from); err != nil {
			t.Logf("newcomer from %s: %v", from, err)
			continue
		}
		in++
	}
	return in
}

// comeIn connects one stranger and makes one call.
func comeIn(t *testing.T, city *running, addr ma.Multiaddr, from string) error {
	t.Helper()
	var opts []libp2p.Option
	if _, err := addr.ValueForProtocol(ma.P_UDP); err == nil {
		opts = overQUIC(from)
	}
	h, err := newForeignHost(from, opts...)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(t.Context(), atMost(5*time.Second))
	defer cancel()
	err = h.Connect(ctx, peer.AddrInfo{ID: city.info.ID, Addrs: []ma.Multiaddr{addr}})
	if err == nil {
		err = (&caller{host: h, city: city.info.ID}).call(ctx)
	}
	return errors.Join(err, h.Close())
}

func TestSilentSocketsKeepNobodyOut(t *testing.T) {
	for fact, files := range map[string]int{"with the usual files": 0, "with 256 files": 256} {
		t.Run(fact, func(t *testing.T) {
			tasks := threeCities()
			for i := range tasks {
				tasks[i].Files, tasks[i].DataDir = files, t.TempDir()
			}
			c := newCluster(t, tasks...)
			const each = 20
			task := attackTask{Attack: silentSockets, From: privateNet + ".66.6", Number: 256, Shown: "sockets cut"}
			r := c.endure(t, task, func(*assault) {
				gotham := c.cities[0]
				for from, addr := range map[string]ma.Multiaddr{
					privateNet + ".7": gotham.info.Addrs[0], loopback: gotham.info.Addrs[2],
				} {
					if in := newcomers(t, gotham, addr, from, each); in < each {
						t.Errorf("%d of %d newcomers from %s got in", in, each, from)
					}
				}
			})
			r.judge(t)
			if late := r.counts["sockets cut late"]; late > 0 && !*short {
				t.Errorf("%d sockets were cut later than %v", late, silenceMax)
			}
			for _, city := range c.cities {
				most := 1 + int(r.lasted/time.Minute)
				if said := len(city.said("connections that say nothing")); said < 1 || said > most {
					t.Errorf("%s warns %d times, want once, and %d times at most", city.name, said, most)
				}
			}
		})
	}
}
