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
// directed pair of hosts it has a [Link], with delay, jitter, loss and bandwidth,
// and a switch that cuts the link. A frame takes at least its link's delay, and
// longer if this process has to wait for a processor. Each directed pair has a
// seeded source of chance of its own, so that what one pair sends does not change
// the losses of another. Each pair counts the frames that it carried and those that
// it dropped, and why.
//
// The package needs Linux, root, /dev/net/tun and the ip command of iproute2.
// [Need] skips a test if they are missing, or fails the test if the environment
// says that it must run.
//
// A [Lab] ends with its test: the processes on its hosts are killed, and the
// namespaces are removed. When a test process is killed its programs are killed
// too, and the next process that makes a lab removes the namespaces.
//
// The package is for tests only. It has no routers, no address translation and
// no congestion of its own, and a frame is never changed or repeated.
package netlab
