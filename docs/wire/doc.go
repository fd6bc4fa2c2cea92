// Package wire is a folder of texts: what a program of any language must do to take
// part in a network of cities. It has no code but the tests that hold the texts
// together: the CDDL in the pages is that of citynode.cddl, and every test vector is
// checked against it. The tests that run the vectors through the program are in
// protocol, crdt, crdt/sketch, internal/gossip, internal/reconcile and node.
package wire
