//go:build linux

package netlab

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// ping sends that many ICMP echo requests, one after another, and returns how
// many were answered within the timeout, and how fast the fastest was.
func ping(t *testing.T, from *Host, to netip.Addr, count int, timeout time.Duration) (answered int, fastest time.Duration) {
	t.Helper()
	conn := icmp(t, from, to)
	defer conn.Close()
	for i := range count {
		begin := time.Now()
		request := echoRequest(to, uint16(i))
		if _, err := conn.Write(request); err != nil {
			continue // as where the neighbour is not known
		}
		if err := conn.SetReadDeadline(begin.Add(timeout)); err != nil {
			t.Fatal(err)
		}
		if !awaitEcho(conn, uint16(i)) {
			continue
		}
		if took := time.Since(begin); answered == 0 || took < fastest {
			fastest = took
		}
		answered++
	}
	return answered, fastest
}

func icmp(t *testing.T, from *Host, to netip.Addr) (conn *net.IPConn) {
	t.Helper()
	network := "ip4:icmp"
	if to.Is6() {
		network = "ip6:ipv6-icmp"
	}
	err := from.Do(func() (err error) {
		conn, err = net.DialIP(network, nil, &net.IPAddr{IP: to.AsSlice()})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// The types of ICMP messages for IPv4 and IPv6 (RFC 792, RFC 4443).
const (
	echoRequest4, echoReply4 = 8, 0
	echoRequest6, echoReply6 = 128, 129
)

func echoRequest(to netip.Addr, number uint16) []byte {
	b := make([]byte, 8)
	b[0] = echoRequest4
	if to.Is6() {
		b[0] = echoRequest6 // the kernel does its checksum
	}
	binary.BigEndian.PutUint16(b[6:], number)
	if !to.Is6() {
		binary.BigEndian.PutUint16(b[2:], ^(uint16(b[0])<<8 + number))
	}
	return b
}

// awaitEcho waits for the answer to a request, until the deadline of conn.
func awaitEcho(conn *net.IPConn, number uint16) bool {
	b := make([]byte, frameBytesMax)
	for {
		n, _, err := conn.ReadFromIP(b) // Read would give the header of IPv4 as well
		if err != nil {
			return false
		}
		reply := b[:n]
		isReply := n >= 8 && (reply[0] == echoReply4 || reply[0] == echoReply6)
		if isReply && binary.BigEndian.Uint16(reply[6:]) == number {
			return true
		}
	}
}

func TestHostsReachEachOtherAsTheirLinkIs(t *testing.T) {
	lab := New(t, Config{Hosts: 2, Seed: 1})
	a, b := lab.Hosts[0], lab.Hosts[1]
	const delay = 20 * time.Millisecond
	lab.SetAll(Link{Delay: delay})
	addrs := []netip.Addr{b.Addr}
	if b.Addr6.IsValid() {
		addrs = append(addrs, b.Addr6)
	}
	for _, addr := range addrs {
		answered, fastest := ping(t, a, addr, 10, 5*time.Second)
		t.Logf("%s: %d of 10 answered, the fastest after %v", addr, answered, fastest)
		if answered != 10 || fastest < 2*delay {
			t.Errorf("%s: %d of 10 answered, the fastest after %v", addr, answered, fastest)
		}
	}
	lab.Cut(a, b)
	if answered, _ := ping(t, a, b.Addr, 2, 200*time.Millisecond); answered != 0 {
		t.Errorf("%d of 2 answered over a cut", answered)
	}
	lab.Heal()
	if answered, _ := ping(t, a, b.Addr, 10, 5*time.Second); answered != 10 {
		t.Errorf("%d of 10 answered after the heal", answered)
	}
}

func TestMulticastReachesTheOthers(t *testing.T) {
	lab := New(t, Config{Hosts: 3})
	group := &net.UDPAddr{IP: net.IPv4(224, 0, 0, 251), Port: 5353}
	var ears []*net.UDPConn
	for _, h := range lab.Hosts[1:] {
		err := h.Do(func() error {
			device, err := net.InterfaceByName(deviceName)
			if err != nil {
				return err
			}
			conn, err := net.ListenMulticastUDP("udp4", device, group)
			ears = append(ears, conn)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	err := lab.Hosts[0].Do(func() error {
		conn, err := net.DialUDP("udp4", nil, group)
		if err != nil {
			return err
		}
		defer conn.Close()
		_, err = conn.Write([]byte("hello"))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, ear := range ears {
		defer ear.Close()
		b := make([]byte, frameBytesMax)
		if err := ear.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if n, err := ear.Read(b); err != nil || string(b[:n]) != "hello" {
			t.Errorf("host %d heard %q, %v", i+2, b[:n], err)
		}
	}
}

func TestACommandHasItsHostsNetworkAndFolders(t *testing.T) {
	lab := New(t, Config{Hosts: 2})
	for _, h := range lab.Hosts {
		out, err := h.Command(t.Context(), "sh", "-c", "ip -o -4 addr show eth0; echo $HOME; pwd; ip route show default").Output()
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		if len(lines) != 3 || !strings.Contains(lines[0], " "+h.Addr.String()+"/16 ") ||
			lines[1] != filepath.Join(h.Dir, "home") || lines[2] != h.Dir {
			t.Errorf("%s says %q", h.Name, lines)
		}
	}
}

func TestTheEndOfAContextKillsTheWholeGroup(t *testing.T) {
	lab := New(t, Config{Hosts: 1})
	ctx, cancel := context.WithCancel(t.Context())
	cmd := lab.Hosts[0].Command(ctx, "sh", "-c", "sleep 600 & sleep 600")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := cmd.Wait(); err == nil {
		t.Error("the command has ended well")
	}
	awaitNobody(t, lab.Hosts[0])
}

// awaitNobody waits until nothing runs on a host, within 10 s.
func awaitNobody(t *testing.T, h *Host) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; <-time.After(killEvery) {
		out, err := ip("", "netns", "pids", string(h.ns))
		switch {
		case err != nil:
			t.Fatal(err)
		case len(out) == 0:
			return
		case time.Now().After(deadline):
			t.Fatalf("on %s still run %s", h.Name, strings.Fields(string(out)))
		}
	}
}

func TestALabLeavesNothing(t *testing.T) {
	Need(t)
	var ns namespace
	var left *exec.Cmd
	t.Run("lab", func(t *testing.T) {
		h := New(t, Config{Hosts: 1}).Hosts[0]
		ns, left = h.ns, h.Command(context.Background(), "sleep", "600")
		if err := left.Start(); err != nil {
			t.Fatal(err)
		}
	})
	if err := left.Wait(); err == nil {
		t.Error("the process has ended well")
	}
	if exists(filepath.Join(namespaceFolder, string(ns))) {
		t.Errorf("%s is still there", ns)
	}
}

func TestASweepRemovesWhatADeadProcessLeft(t *testing.T) {
	Need(t)
	dead := exec.Command("true")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	left, kept := namespaceOf(dead.Process.Pid, "left"), namespaceOf(os.Getppid(), "kept")
	for _, ns := range []namespace{left, kept} {
		if _, err := ip("", "netns", "add", string(ns)); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = ns.remove() })
	}
	if err := sweep(); err != nil {
		t.Fatal(err)
	}
	if exists(filepath.Join(namespaceFolder, string(left))) {
		t.Error("what a dead process left is still there")
	}
	if !exists(filepath.Join(namespaceFolder, string(kept))) {
		t.Error("what belongs to a living process is gone")
	}
}
