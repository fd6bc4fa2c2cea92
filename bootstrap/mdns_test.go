package bootstrap

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/peer"
)

// mDNS speaks to the whole local network, so these tests run it only in network
// namespaces of their own: this binary again, under ip netns exec.

// mdnsHelperEnv makes the test binary an mDNS node.
const mdnsHelperEnv = "BOOTSTRAP_TEST_MDNS"

// mdnsHelper prints its peer ID, then the peer IDs that it finds, until its
// standard input ends. It returns the exit code.
func mdnsHelper() int {
	h, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/0.0.0.0/tcp/0"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(h.ID())
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	m := NewMDNS(h, MDNSConfig{
		Service: "_test._udp",
		Found:   func(info peer.AddrInfo) { fmt.Println(info.ID, info.Addrs) },
	})
	go func() { served <- m.Serve(ctx) }()
	io.Copy(io.Discard, os.Stdin)
	cancel()
	if err := <-served; err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := h.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// TestTwoNamespacesFindEachOther covers a machine without IPv6 by a network
// whose packets are too short for it.
func TestTwoNamespacesFindEachOther(t *testing.T) {
	for name, mtu := range map[string]int{"IPv4 and IPv6": 1500, "IPv4 only": 1000} {
		t.Run(name, func(t *testing.T) {
			a, b := namespaces(t, mtu)
			nodeA, nodeB := startMDNS(t, a), startMDNS(t, b)
			idA, idB := nodeA.line(t), nodeB.line(t)
			for _, c := range []struct{ got, want string }{
				{nodeA.line(t), idB + " [/ip4/10.123.0.2/tcp/"},
				{nodeB.line(t), idA + " [/ip4/10.123.0.1/tcp/"},
			} {
				if !strings.HasPrefix(c.got, c.want) || strings.Contains(c.got, "127.0.0.1") {
					t.Errorf("found %s, want %s", c.got, c.want)
				}
			}
			nodeA.stop(t)
			nodeB.stop(t)
		})
	}
}

// namespaces makes two network namespaces joined by a cable.
func namespaces(t *testing.T, mtu int) (a, b string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("making network namespaces needs root")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("the ip command (iproute2) is not installed")
	}
	a, b = fmt.Sprintf("bootstrap-%d-a", os.Getpid()), fmt.Sprintf("bootstrap-%d-b", os.Getpid())
	for _, ns := range []string{a, b} {
		if out, err := exec.Command("ip", "netns", "add", ns).CombinedOutput(); err != nil {
			t.Skipf("no network namespaces here: %s", out)
		}
		t.Cleanup(func() { exec.Command("ip", "netns", "del", ns).Run() })
	}
	ip(t, "link add cable netns %s type veth peer name cable netns %s", a, b)
	for i, ns := range []string{a, b} {
		ip(t, "-n %s link set lo up", ns)
		ip(t, "-n %s addr add 10.123.0.%d/24 dev cable", ns, i+1)
		ip(t, "-n %s link set cable mtu %d up", ns, mtu)
		ip(t, "-n %s route add 224.0.0.0/4 dev cable", ns)
	}
	return a, b
}

func ip(t *testing.T, format string, args ...any) {
	t.Helper()
	line := fmt.Sprintf(format, args...)
	if out, err := exec.Command("ip", strings.Fields(line)...).CombinedOutput(); err != nil {
		t.Fatalf("ip %s: %v: %s", line, err, out)
	}
}

// mdnsNode is a helper process.
type mdnsNode struct {
	cmd   *exec.Cmd
	stdin io.Closer
	lines chan string
}

func startMDNS(t *testing.T, namespace string) *mdnsNode {
	t.Helper()
	cmd := exec.Command("ip", "netns", "exec", namespace, os.Args[0])
	cmd.Env = append(os.Environ(), mdnsHelperEnv+"=1")
	cmd.Stderr = t.Output()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	n := &mdnsNode{cmd: cmd, stdin: stdin, lines: make(chan string)}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer close(n.lines)
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			select {
			case n.lines <- lines.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		if cmd.ProcessState == nil {
			cmd.Process.Kill()
			cmd.Wait()
		}
	})
	return n
}

// line returns the next line of output.
func (n *mdnsNode) line(t *testing.T) string {
	t.Helper()
	select {
	case line := <-n.lines:
		return line
	case <-time.After(10 * time.Second):
		t.Fatal("no line within 10 s")
		return ""
	}
}

// stop ends the process as Serve's context would.
func (n *mdnsNode) stop(t *testing.T) {
	t.Helper()
	n.stdin.Close()
	killer := time.AfterFunc(10*time.Second, func() { n.cmd.Process.Kill() })
	defer killer.Stop()
	for range n.lines { // whatever it still finds, to the end
	}
	if err := n.cmd.Wait(); err != nil {
		t.Errorf("the node did not end well: %v", err)
	}
}
