package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"

	"github.com/libp2p/go-libp2p/core/sec"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	ma "github.com/multiformats/go-multiaddr"
)

// A DialReason is the class of a failed dial. It is a stable word for logs.
type DialReason string

// The reasons, the most telling first. If the addresses of a peer fail in
// different ways, the first of these in the list is the reason.
const (
	WrongNetwork DialReason = "wrong_network" // the peer is connected, but of no use: see RedialConfig.Foreign
	WrongPeer    DialReason = "wrong_peer"    // another peer answers at the address
	WrongKey     DialReason = "wrong_key"     // the networks' keys differ, or only one has a key
	WrongClock   DialReason = "wrong_clock"   // the certificate of one side is not valid by the clock of the other
	NotAllowed   DialReason = "not_allowed"   // this host's own rules refuse the peer
	Rejected     DialReason = "rejected"      // the peer answered and ended the connection
	Refused      DialReason = "refused"       // nothing listens there
	NameUnknown  DialReason = "name_unknown"  // the name in the address does not resolve
	Unreachable  DialReason = "unreachable"   // no route
	NoTransport  DialReason = "no_transport"  // this host does not speak the address's protocol
	TimedOut     DialReason = "timed_out"     // no answer
	Failed       DialReason = "failed"        // anything else
)

var reasonOrder = []DialReason{
	WrongPeer, WrongKey, WrongClock, NotAllowed, Rejected, Refused, NameUnknown, Unreachable, NoTransport, TimedOut, Failed,
}

var errCutShort = errors.New(explanations[Rejected])

// explanations say each reason in words, with what to do. A wrong peer is
// explained with its ID, and a reason that is missing here by its cause.
var explanations = map[DialReason]string{
	WrongKey:    "the handshake is not understood: the other node has another network key (--network-key), or only one of the two has a key",
	WrongClock:  "the clocks of this machine and of the other are more than an hour apart: set the one that is wrong, and start its city again",
	NotAllowed:  "this node's own rules do not allow the peer",
	Rejected:    "it ends the connection at once: it may not allow this peer, have another network key, a clock that is more than an hour from this one, or too many connections",
	Refused:     "nothing listens there: is the other city running, on this port?",
	NameUnknown: "the name in the address does not resolve",
	Unreachable: "there is no route to the address",
	NoTransport: "this node does not speak the address's transport",
	TimedOut:    "no answer: is the other machine up, does its firewall let the port through, and has it the same network key?",
}

// ExplainDial returns the reason of err, the error of a dial to addrs, and an
// error that wraps err's most telling cause and says in words what is wrong and,
// where that is known, what to do. It is the one place that classifies failed
// dials.
func ExplainDial(err error, addrs []ma.Multiaddr) (DialReason, error) {
	reason, cause, where := classify(err), err, ""
	if dialErr, ok := errors.AsType[*swarm.DialError](err); ok {
		reason, where, cause = mostTelling(dialErr, addrs)
	}
	if mismatch, ok := errors.AsType[sec.ErrPeerIDMismatch](cause); ok {
		return reason, fmt.Errorf("%sanother peer answers, %s: take the address that the other city prints now", where, mismatch.Actual)
	}
	if explanations[reason] != "" {
		return reason, fmt.Errorf("%s%s (%w)", where, explanations[reason], cause)
	}
	return reason, fmt.Errorf("%s%w", where, cause)
}

// mostTelling returns the reason, the address and the cause to report if several
// addresses failed. A host has addresses that cannot work from here, so the last error, or
// the first, says little: that another peer answers at one tells more than ten time-outs.
func mostTelling(err *swarm.DialError, addrs []ma.Multiaddr) (reason DialReason, where string, cause error) {
	reason, cause = classify(err.Cause), err.Cause
	if len(err.DialErrors) == 0 && errors.Is(err.Cause, swarm.ErrNoGoodAddresses) && allNames(addrs) {
		return NameUnknown, "", cause
	}
	for i, failed := range err.DialErrors {
		r := classify(failed.Cause)
		if i == 0 || slices.Index(reasonOrder, r) < slices.Index(reasonOrder, reason) {
			reason, where, cause = r, failed.Address.String()+": ", failed.Cause
		}
	}
	return reason, where, cause
}

// classify returns the reason of the error of one address. The order of the cases matters:
// a handshake that fails often ends in the error of a connection too, which tells less.
func classify(err error) DialReason {
	switch {
	case is[sec.ErrPeerIDMismatch](err):
		return WrongPeer
	case isKeyMismatch(err):
		return WrongKey
	case IsClockMismatch(err):
		return WrongClock
	case errors.Is(err, swarm.ErrGaterDisallowedConnection):
		return NotAllowed
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return Rejected
	case errors.Is(err, syscall.ECONNREFUSED):
		return Refused
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return Unreachable
	case errors.Is(err, swarm.ErrNoTransport):
		return NoTransport
	case isTimeout(err):
		return TimedOut
	}
	return Failed
}

// is reports whether err is, or wraps, an E.
func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func isTimeout(err error) bool {
	netErr, ok := errors.AsType[net.Error](err)
	return ok && netErr.Timeout() || errors.Is(err, context.DeadlineExceeded)
}

// isKeyMismatch reports whether multistream failed to read bytes that were
// enciphered with another network key. The library has no error of its own for
// this case, so the text decides.
func isKeyMismatch(err error) bool {
	if err == nil {
		return false
	}
	text := err.Error()
	return strings.Contains(text, "negotiate security protocol") &&
		(strings.Contains(text, "message was too large") || strings.Contains(text, "trailing newline") || strings.Contains(text, "varint"))
}

// IsClockMismatch reports whether a dial failed because a certificate is not valid
// yet, here or at the other end: the two clocks are more than an hour apart. A
// libp2p host makes its certificate when it starts, valid from an hour before. The
// library keeps only the text of the error, so the text decides.
func IsClockMismatch(err error) bool {
	if err == nil {
		return false
	}
	text := err.Error()
	return strings.Contains(text, "certificate has expired or is not yet valid") || strings.Contains(text, "remote error: tls: bad certificate")
}

// allNames reports whether every address begins with a DNS name.
func allNames(addrs []ma.Multiaddr) bool {
	return !slices.ContainsFunc(addrs, func(addr ma.Multiaddr) bool {
		switch addr[0].Protocol().Code {
		case ma.P_DNS, ma.P_DNS4, ma.P_DNS6, ma.P_DNSADDR:
			return false
		}
		return true
	})
}
