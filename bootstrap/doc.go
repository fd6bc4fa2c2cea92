// Package bootstrap connects a node to others, keeps it connected, and finds
// cities by name, with no central server.
//
// Peers to dial come from four sources: peer lists ([ParsePeers],
// [ReadPeersFile], [PeersFromEnv], and /dnsaddr names through [Resolver]), the
// peers that earlier runs met ([Saved]), the local network ([MDNS]), and names
// in the DHT ([Names]).
//
// The [Redialer] keeps the connections up. libp2p heals no partition by
// itself: peerstore addresses expire, the swarm backs off for minutes, and mDNS
// reports a peer once. The Redialer therefore keeps addresses of its own and
// dials for ever, at short intervals for the peers that matter, with a bound on
// dials at once. [HostOptions] returns the options that a host needs so that the
// swarm does not refuse these dials.
//
// [Names] advertises a city's name in the DHT and looks names up. Anybody can
// write a provider record, so a lookup returns only a peer that the caller's own
// function has verified.
//
// Everything that runs is a Serve(ctx) error. When Serve returns, all that it
// started has ended.
//
// The package does not know what a city is: the caller passes in what the wire
// fixes, such as the prefix of the DHT. The package keeps no state of the network
// but addresses, and imports nothing of this module but internal/atomicfile.
package bootstrap
