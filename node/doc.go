// Package node binds one city to a network: it is the composition root.
//
// A [Node] is one libp2p host with GossipSub, a Kademlia DHT, the stream
// protocols of calls and anti-entropy, and a directory of the cities that it
// knows of. [New] makes it, [Node.Run] runs it under a supervisor until its
// context ends, its supervisor gives up, or its name turns out to be taken.
//
// Package node/dispatch calls and follows cities from a program that is none, and
// package node/nodetest runs clusters in the tests of programs that embed a node. The
// module's examples folder has such programs.
//
// Gossip is a hint and may lose anything; anti-entropy is the guarantee. What
// comes from a peer is bounded, decoded strictly and validated before it is
// used. No peer can make a node crash, stop, or forget.
package node
