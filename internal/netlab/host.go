//go:build linux

package netlab

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// waitDelay is how long a command that is killed may keep its output open.
const waitDelay = 5 * time.Second

// Host is one host of a lab.
type Host struct {
	// Name is unique in the lab: h1, h2 and so on.
	Name string
	// Addr is the IPv4 address of eth0.
	Addr netip.Addr
	// Addr6 is the IPv6 address of eth0 in fd77::/64; it is not valid where the
	// kernel has no IPv6.
	Addr6 netip.Addr
	// Dir is a folder of its own, in which its commands begin.
	Dir string

	number int // from 0, in the lab
	ns     namespace
}

// makeHost returns a host that has all but its folder, and the host's end of the
// Ethernet. If it fails it leaves nothing behind.
func makeHost(lab, number int) (_ *Host, _ plug, err error) {
	name := fmt.Sprintf("h%d", number+1)
	ns, err := makeNamespace(fmt.Sprintf("%d-%s", lab, name))
	if err != nil {
		return nil, plug{}, err
	}
	defer func() {
		if err != nil {
			_ = ns.remove()
		}
	}()
	tap, err := makeTAP(ns)
	if err != nil {
		return nil, plug{}, err
	}
	last := byte(number + 1)
	h := &Host{Name: name, Addr: netip.AddrFrom4([4]byte{10, 77, 0, last}), number: number, ns: ns}
	if hasIPv6() {
		h.Addr6 = netip.AddrFrom16([16]byte{0xfd, 0x77, 15: last})
	}
	p := plug{mac: [macBytes]byte{0x02, 0x77, 5: last}, ReadWriteCloser: tap}
	if err := h.configure(p.mac); err != nil {
		_ = tap.Close()
		return nil, plug{}, err
	}
	return h, p, nil
}

func hasIPv6() bool {
	disabled, err := os.ReadFile("/proc/sys/net/ipv6/conf/default/disable_ipv6")
	return err == nil && strings.TrimSpace(string(disabled)) == "0"
}

// configure sets the addresses of the devices and switches the devices on. IPv6
// addresses are usable at once, because nobody else can have them.
func (h *Host) configure(mac [macBytes]byte) error {
	var script strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&script, format+"\n", args...) }
	line("link set lo up")
	line("link set %s address %02x:%02x:%02x:%02x:%02x:%02x", deviceName, mac[0], mac[1], mac[2], mac[3], mac[4], mac[5])
	if h.Addr6.IsValid() {
		line("link set %s addrgenmode none", deviceName)
	}
	line("link set %s multicast on up", deviceName)
	line("addr add %s/16 brd + dev %s", h.Addr, deviceName)
	line("route add 224.0.0.0/4 dev %s", deviceName)
	if h.Addr6.IsValid() {
		line("addr add fe80::%x/64 dev %s scope link nodad", mac[5], deviceName)
		line("addr add %s/64 dev %s nodad", h.Addr6, deviceName)
	}
	_, err := ip(script.String(), "-n", string(h.ns), "-batch", "-")
	return err
}

// The folders of a user, each its own on each host.
var userFolders = map[string]string{
	"HOME": "home", "TMPDIR": "tmp", "XDG_CONFIG_HOME": "config",
	"XDG_STATE_HOME": "state", "XDG_RUNTIME_DIR": "run", "XDG_CACHE_HOME": "cache", "XDG_DATA_HOME": "data",
}

func (h *Host) makeFolders(dir string) error {
	h.Dir = dir
	for _, folder := range userFolders {
		if err := os.Mkdir(filepath.Join(dir, folder), 0o700); err != nil {
			return err
		}
	}
	return nil
}

// Command returns a command that runs on the host, in a process group of its
// own, to be started once. It begins in Dir; its environment is PATH, GOCOVERDIR
// and the user's folders (HOME, TMPDIR, XDG_…_HOME, XDG_RUNTIME_DIR), which are
// the host's. When ctx is done the whole group is killed; at the end of the
// test whatever runs on the host is.
func (h *Host) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", string(h.ns), name}, args...)...)
	cmd.Dir, cmd.Env = h.Dir, h.environment()
	// ip becomes the program, so its process ID is the program's.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = waitDelay
	return cmd
}

func (h *Host) environment() []string {
	var env []string
	for _, name := range []string{"PATH", "GOCOVERDIR"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	for name, folder := range userFolders {
		env = append(env, name+"="+filepath.Join(h.Dir, folder))
	}
	return env
}

// Do calls f on a thread that is on the host: a socket that f makes is the
// host's for good. f must make it itself, not in another goroutine.
func (h *Host) Do(f func() error) error { return h.ns.do(f) }
