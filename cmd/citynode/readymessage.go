package main

import (
	"fmt"
	"time"

	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/citynode/citynode/node"
)

// readyMessage tells that a city answers, where, and how a second one joins it.
func readyMessage(at time.Time, c node.Config, n *node.Node) message {
	object := readyJSON{
		Event:   "ready",
		City:    c.City.Name,
		Peer:    n.Peer().String(),
		Addrs:   textsOf(n.Addrs()),
		Network: c.Network,
		Time:    clockText(at),
	}
	texts := []string{fmt.Sprintf("%s is up on network %s, peer %s", object.City, object.Network, object.Peer)}
	for _, addr := range object.Addrs {
		texts = append(texts, "  "+addr)
	}
	return message{at: at, objects: []any{object}, texts: append(texts, howToJoin(c, n.Addrs())...), color: colorBold, always: true}
}

// howToJoin says how to start a second city.
func howToJoin(c node.Config, addrs []ma.Multiaddr) []string {
	command := "citynode run " + another(c.City.Name)
	if c.Open {
		command += " --network " + c.Network
	}
	lines := []string{"a second city on this machine joins it:", "  " + command}
	outside, ok := fromOutside(addrs)
	switch {
	case c.Open && ok:
		lines = append(lines, "and on another machine:", fmt.Sprintf("  %s --bootstrap %s", command, outside))
	case !c.Open:
		lines = append(lines, "it stays on this machine; --network NAME opens it to others")
	}
	return lines
}

// another returns a name for a second city. Beside metropolis gotham often runs already, as
// README has it.
func another(name string) string {
	if name == "metropolis" {
		return "star"
	}
	return "metropolis"
}

// fromOutside returns an address that other machines may dial.
func fromOutside(addrs []ma.Multiaddr) (ma.Multiaddr, bool) {
	for _, addr := range addrs {
		if !manet.IsIPLoopback(addr) && !manet.IsIP6LinkLocal(addr) {
			return addr, true
		}
	}
	return nil, false
}
