// Package connlimit keeps room for those who have yet to connect.
//
// A stranger needs no key to open a TCP connection, and one that says nothing holds a
// file and a place among the handshakes until somebody cuts it. This package bounds such
// connections by address and in all, cuts each after a few seconds of silence, and where
// a bound is met gives the place of the oldest silent one to the newcomer. So whoever
// opens many keeps nobody out, not even those who share the address.
//
// # What it promises
//
// A connection whose other side keeps sending is not cut by it. Nobody is refused for an
// address that others have, beyond the share that libp2p's resource manager gives each
// address. Those that are known (see [Known]) and loopback have a reserve beside what
// strangers can fill.
//
// # What it never does
//
// It trusts nothing that a connection says: until libp2p's handshake has proved who it
// is, all that counts is the address and that something came.
package connlimit
