package dispatch

import (
	"errors"
	"fmt"

	"github.com/libp2p/go-libp2p/core/sec"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/citynode/citynode/bootstrap"
)

// What a caller is told in other words than a node that joins another one.
var (
	// errEndsAtOnce says what may be wrong where a peer answers and then is gone:
	// the handshake has failed at its end, or it was refused.
	errEndsAtOnce = errors.New("it ends the connection at once: its clock and this machine's may be more than an hour apart, " +
		"it may have another network key, or too many connections")
	errClocksApart = errors.New("the clocks of the two machines are more than an hour apart: set the one that is wrong, " +
		"and start its city again")
	errNoAnswer = errors.New("no answer: is the other machine up, and does its firewall let the port through?")
)

// explainDial returns the most telling thing about a dial to addrs that failed,
// or nil for no error.
func explainDial(err error, addrs []ma.Multiaddr) error {
	if err == nil {
		return nil
	}
	if mismatch, ok := errors.AsType[sec.ErrPeerIDMismatch](err); ok {
		return fmt.Errorf("another peer answers there, %s: take the address that the node prints now", mismatch.Actual)
	}
	switch reason, explained := bootstrap.ExplainDial(err, addrs); reason {
	case bootstrap.Rejected:
		return errEndsAtOnce
	case bootstrap.WrongClock:
		return errClocksApart
	case bootstrap.TimedOut:
		return errNoAnswer
	default:
		return explained
	}
}
