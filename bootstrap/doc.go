// Package bootstrap is how a node gets connected, stays connected, and finds
// others by name, with no central server.
//
// Who to dial comes from four places: peer lists ([ParsePeers],
// [ReadPeersFile], [PeersFromEnv], and /dnsaddr names through [Resolver]), the
// peers that earlier runs met ([Saved]), the local network ([MDNS]), and names
// in the DHT ([Names]).
//
// The [Redialer] keeps the connections up. libp2p heals no partition by
// itself: peerstore addresses expire, the swarm backs off for minutes, mDNS
// tells of a peer once. The Redialer therefore keeps addresses of its own and
// tries for ever, at short intervals for the peers that matter, within bounds
// on dials at once. [HostOptions] are the options a host needs so that the
// swarm does not stand in its way.
//
// [Names] advertises a city's name in the DHT and looks names up. A provider
// record is a hint that anybody can write, so a lookup gives back only a peer
// that the caller's own function has verified.
//
// Everything that runs is a Serve(ctx) error which has ended all it started
// when it returns. The package never decides what a city is, keeps no state of
// the network but addresses, and imports nothing else of this module but
// internal/atomicfile.
package bootstrap
