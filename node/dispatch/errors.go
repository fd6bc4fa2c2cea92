package dispatch

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrUnreachable is matched by every error that says that no node, or not the
// one that is meant, can be asked.
var ErrUnreachable = errors.New("no node can be reached")

// ErrClosed is returned for calls on a Dispatcher that is closed.
var ErrClosed = errors.New("dispatcher is closed")

// An UnreachableError says that one node cannot be asked, and why.
type UnreachableError struct {
	Err error
}

func unreachable(format string, args ...any) *UnreachableError {
	return &UnreachableError{Err: fmt.Errorf(format, args...)}
}

func (e *UnreachableError) Error() string        { return e.Err.Error() }
func (e *UnreachableError) Unwrap() error        { return e.Err }
func (e *UnreachableError) Is(target error) bool { return target == ErrUnreachable }

// A WrongNetworkError says that a node is not of the network that is meant.
type WrongNetworkError struct {
	Node   string   // the node's title
	Wanted string   // the network that is meant
	Speaks []string // the networks of the node, sorted
}

func (e *WrongNetworkError) Error() string {
	return fmt.Sprintf("%s is a node of another network: it speaks %s, not %s", e.Node, strings.Join(e.Speaks, ", "), e.Wanted)
}

func (e *WrongNetworkError) Is(target error) bool { return target == ErrUnreachable }

// A SeveralNetworksError says that nodes of more than one network answer, and
// that Config.Network does not choose among them. It does not match
// ErrUnreachable.
type SeveralNetworksError struct {
	// Node is the title of the one node that speaks them all, "" if they are
	// several nodes.
	Node string
	// Networks are the networks of Node, or one line for each network with its
	// nodes; sorted.
	Networks []string
}

func (e *SeveralNetworksError) Error() string {
	if e.Node != "" {
		return fmt.Sprintf("%s is of several networks: %s", e.Node, strings.Join(e.Networks, ", "))
	}
	return "nodes of several networks answer here:\n" + strings.Join(e.Networks, "\n")
}

// A NoNodeError says that nobody is known who could be asked.
type NoNodeError struct {
	Network string // the network that is meant, "" for any
	// Others are the nodes of other networks that are known, one line a network.
	Others []string
}

func (e *NoNodeError) Error() string {
	if e.Network == "" || len(e.Others) == 0 {
		return "no node is running here, and none was named"
	}
	return fmt.Sprintf("no node of network %s is running here; there are:\n%s", e.Network, strings.Join(e.Others, "\n"))
}

func (e *NoNodeError) Is(target error) bool { return target == ErrUnreachable }

// noneOf returns the error of asking several candidates in vain.
func noneOf(failures []error) error {
	if len(failures) == 1 {
		return failures[0]
	}
	return unreachable("no node can be reached:\n%w", errors.Join(failures...))
}

// titlesByNetwork returns one line for each network, with its nodes.
func titlesByNetwork(all []Candidate) []string {
	titles := make(map[string][]string)
	for _, c := range all {
		titles[c.Network] = append(titles[c.Network], c.Title)
	}
	lines := make([]string, 0, len(titles))
	for network, some := range titles {
		lines = append(lines, fmt.Sprintf("%s: %s", network, strings.Join(some, ", ")))
	}
	slices.Sort(lines)
	return lines
}
