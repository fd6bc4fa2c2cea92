// Package netlab is a laboratory for tests of whole programs: hosts that are
// real Linux network namespaces, on one Ethernet whose faults a test sets while
// they run.
//
// A [Host] has a loopback and one device, eth0, with an address in 10.77.0.0/16
// and, where the kernel has IPv6, one in fd77::/64 and a link-local one.
// Broadcast and multicast work, so that mDNS does. No host has a route to
// anywhere else: nothing that runs on one can reach the machine's own network.
//
// The devices are TAPs, and the Ethernet is a switch in this process. For each
// directed pair of hosts it has a [Link], its delay, jitter, loss and bandwidth,
// and a switch that cuts it. A frame is never early: it takes at least its
// link's delay, and as much longer as this process has to wait for a processor.
// Chance is seeded, one source a directed pair, so that what one pair sends does
// not change the luck of another. Each pair counts what it carried and what it
// dropped, and why.
//
// It needs Linux, root, /dev/net/tun and the ip command of iproute2. [Need]
// skips a test where they are missing, or fails it where the environment says
// that it must run.
//
// A [Lab] ends with its test: what still runs on its hosts is killed, and the
// namespaces are removed. A test process that is killed takes its programs with
// it; the namespaces that it leaves are removed by the next one that makes a
// lab.
//
// The package is for tests only. It has no routers, no address translation and
// no congestion of its own, and a frame is never changed or repeated.
package netlab
