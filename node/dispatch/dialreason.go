package dispatch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/libp2p/go-libp2p/core/sec"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"

	"github.com/citynode/citynode/bootstrap"
)

// endsAtOnce says what may be wrong where a peer answers and then is gone: the
// handshake has failed at its end, or it was refused.
const endsAtOnce = "it ends the connection at once: its clock and this machine's may be more than an hour apart, " +
	"it may have another network key, or too many connections"

// dialReason returns the most telling thing about a dial that failed, in one
// line: that another peer answers, else that nothing listens, else what the first
// address had to say. It returns nil for no error.
func dialReason(err error) error {
	if err == nil {
		return nil
	}
	if mismatch, ok := errors.AsType[sec.ErrPeerIDMismatch](err); ok {
		return fmt.Errorf("another peer answers there, %s: take the address that the node prints now", mismatch.Actual)
	}
	dialErr, ok := errors.AsType[*swarm.DialError](err)
	switch {
	case isTimeout(err) && !errors.Is(err, syscall.ECONNREFUSED):
		return errors.New("no answer")
	case !ok:
		return err
	case len(dialErr.DialErrors) == 0:
		return dialErr.Cause
	}
	for _, failed := range dialErr.DialErrors {
		if errors.Is(failed.Cause, syscall.ECONNREFUSED) {
			return fmt.Errorf("%s: nothing listens there: is the node running, on this port?", failed.Address)
		}
	}
	first := dialErr.DialErrors[0]
	if bootstrap.IsClockMismatch(first.Cause) {
		return fmt.Errorf("%s: the clocks of the two machines are more than an hour apart: set the one that is wrong, "+
			"and start its city again", first.Address)
	}
	if isCutShort(first.Cause) {
		return fmt.Errorf("%s: %s", first.Address, endsAtOnce)
	}
	return fmt.Errorf("%s: %s", first.Address, strings.ReplaceAll(first.Cause.Error(), "\n", " "))
}

// isCutShort reports whether the other side ended a connection.
func isCutShort(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

func isTimeout(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	netErr, ok := errors.AsType[net.Error](err)
	return ok && netErr.Timeout()
}
