// Package antientropy brings a city and its neighbours to the same state: the
// guarantee behind gossip.
//
// It decides when and with whom to sync, and carries the sessions of
// internal/reconcile over libp2p streams, those that this node begins and those of
// others. It opens a new incarnation once the city knows what a neighbour knows. A
// session counts, and marks something, only where it was complete.
//
// One city at a time sends this one its whole state, and this one asks for it: whoever
// comes meanwhile with much waits, and then syncs by difference. A sender that stalls,
// trickles, or takes too long is not waited for.
//
// The sessions of a peer, and of all, are bounded, as is what is remembered of
// peers. A peer that violates the protocol three times is barred for a while.
package antientropy
