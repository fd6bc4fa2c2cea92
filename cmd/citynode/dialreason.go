package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"

	"github.com/libp2p/go-libp2p/core/sec"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
)

// dialReason says the most telling thing about a dial that failed, in one line:
// that another peer answers, else that nothing listens, else what the first
// address had to say.
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
	return fmt.Errorf("%s: %s", first.Address, strings.ReplaceAll(first.Cause.Error(), "\n", " "))
}

func isTimeout(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	netErr, ok := errors.AsType[net.Error](err)
	return ok && netErr.Timeout()
}
