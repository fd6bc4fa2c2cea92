// Package streams opens, keeps and serves libp2p streams: a pool of streams that
// wait for their next use, clients of the call protocol over such a pool, and a
// server that runs a handler for each stream of others.
//
// It also has what each caller may spend on calls, and its share of the watches.
//
// It promises that no more streams are kept than the pools' bounds say, that a
// panic in a handler ends one stream and nothing else, and that no handler runs on
// once [Serve] has returned. It knows no message of any protocol.
package streams
