// Package protocol is the wire format of citynode, and client and server of its
// call protocol over any stream.
package protocol
