// Package gossip sends and takes deltas over GossipSub: a hint that may be lost.
//
// A [Router] is GossipSub with the mesh, the scores and the queues of a citynode
// network. [Deltas] gathers the changes of the own city, paces and publishes them,
// and hands the deltas of others to the city. Nothing relies on a delta that
// arrives: what is dropped, here or in GossipSub's queues, is counted and told, so
// that anti-entropy repairs it.
//
// Every message of a peer is bounded and decoded strictly before it is used, and
// everything that waits to be sent has a bound in bytes.
package gossip
