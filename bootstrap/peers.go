package bootstrap

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"unicode"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// EnvPeers is the environment variable that [PeersFromEnv] reads.
const EnvPeers = "CITYNODE_BOOTSTRAP"

const (
	// peersMax bounds the addresses of one list. Bootstrap peers are a handful. A
	// list of thousands is a mistake, and each of them would be dialed for ever.
	peersMax = 1024
	// itemBytesMax bounds the text of one address. The longest in use, a relayed
	// WebTransport address with two certificate hashes, has about 400 bytes.
	itemBytesMax = 1024
	// quotedBytesMax is how much of a bad item an error shows.
	quotedBytesMax = 120
)

// peerHint ends every error about an address with what would have been right.
const peerHint = "expected something like /ip4/192.0.2.1/tcp/4001/p2p/12D3Koo… or /dnsaddr/example.org"

// An ItemError says what is wrong with one item of a peer list.
type ItemError struct {
	Item string // as it was given
	Err  error  // what is wrong with it and what to do
}

// Error quotes the item, cut to a readable length.
func (e *ItemError) Error() string {
	return fmt.Sprintf("bootstrap peer %s: %v", quoted(e.Item), e.Err)
}

// Unwrap returns what is wrong.
func (e *ItemError) Unwrap() error { return e.Err }

// ParsePeers reads the addresses of peers, one an item, and skips blank items. An
// address is a multiaddr that ends in /p2p/PEERID, or /dnsaddr/NAME with or
// without /p2p/PEERID. ParsePeers returns the good addresses in their order, each
// once, and an error that joins one [*ItemError] for each bad item.
func ParsePeers(items []string) ([]ma.Multiaddr, error) {
	list := peerList{max: peersMax}
	for _, item := range items {
		if strings.TrimSpace(item) == "" {
			continue
		}
		if err := list.add(item); err != nil {
			list.errs = append(list.errs, &ItemError{Item: item, Err: err})
		}
	}
	return list.addrs, errors.Join(list.errs...)
}

// PeersFromEnv reads the addresses in CITYNODE_BOOTSTRAP, separated by commas
// or white space, as [ParsePeers] does.
func PeersFromEnv() ([]ma.Multiaddr, error) {
	addrs, err := ParsePeers(splitPeers(os.Getenv(EnvPeers)))
	if err != nil {
		return addrs, fmt.Errorf("%s: %w", EnvPeers, err)
	}
	return addrs, nil
}

func splitPeers(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || unicode.IsSpace(r) })
}

// peerList collects at most max distinct addresses.
type peerList struct {
	max   int
	addrs []ma.Multiaddr
	seen  map[string]bool
	errs  []error
}

// add adds the address in item unless it is in the list already.
func (l *peerList) add(item string) error {
	addr, err := parsePeer(item)
	if err != nil {
		return err
	}
	// By bytes: one address can be written in several ways.
	key := string(addr.Bytes())
	if l.seen[key] {
		return nil
	}
	if len(l.addrs) == l.max {
		return fmt.Errorf("more than %d addresses: keep the few that are always up", l.max)
	}
	if l.seen == nil {
		l.seen = make(map[string]bool)
	}
	l.seen[key] = true
	l.addrs = append(l.addrs, addr)
	return nil
}

// parsePeer reads one address. Its error says in words what is wrong with item.
func parsePeer(item string) (ma.Multiaddr, error) {
	item = strings.TrimSpace(item)
	if len(item) > itemBytesMax {
		return nil, fmt.Errorf("longer than %d bytes; %s", itemBytesMax, peerHint)
	}
	if !strings.HasPrefix(item, "/") {
		return nil, notMultiaddr(item)
	}
	addr, err := ma.NewMultiaddr(item)
	if err != nil {
		return nil, fmt.Errorf("not a multiaddr (%w); %s", err, peerHint)
	}
	if err := checkPeer(addr); err != nil {
		return nil, err
	}
	return addr, nil
}

// notMultiaddr returns an error for what people write instead of a multiaddr. Each names
// the mistake, for "not a multiaddr" alone helps nobody.
func notMultiaddr(item string) error {
	if _, err := peer.Decode(item); err == nil {
		return fmt.Errorf("a peer ID without an address to dial; %s", peerHint)
	}
	if strings.Contains(item, "://") {
		return fmt.Errorf("a URL, not a multiaddr; %s", peerHint)
	}
	if _, _, err := net.SplitHostPort(item); err == nil {
		return fmt.Errorf("host:port, not a multiaddr; %s", peerHint)
	}
	return fmt.Errorf("not a multiaddr: it does not start with /; %s", peerHint)
}

// checkPeer returns an error unless addr can be dialed and names the peer that must
// answer.
func checkPeer(addr ma.Multiaddr) error {
	transport, id := peer.SplitAddr(addr)
	if len(transport) == 0 {
		return fmt.Errorf("names a peer but no address to dial; %s", peerHint)
	}
	// The ID of an Ed25519 key contains the key, so one that is not whole shows here.
	// That of an RSA key is a digest, in which there is nothing to check.
	if _, err := id.ExtractPublicKey(); id != "" && err != nil && !errors.Is(err, peer.ErrNoPublicKey) {
		return fmt.Errorf("%s is no peer ID: copy it whole, as the other city prints it", id)
	}
	if isDNSAddr(addr) {
		return checkDNSAddr(transport)
	}
	if id == "" {
		return fmt.Errorf("does not say which peer answers there: it must end in /p2p/PEERID, as the other city prints it when it starts; %s", peerHint)
	}
	return checkTransport(transport)
}

// checkDNSAddr returns an error for what would be ignored behind a name.
func checkDNSAddr(transport ma.Multiaddr) error {
	if len(transport) > 1 {
		return errors.New("only /p2p/PEERID may follow /dnsaddr/NAME: addresses and ports come from its TXT records")
	}
	return nil
}

// checkTransport returns an error for addresses that are for listening or lack a
// transport.
func checkTransport(transport ma.Multiaddr) error {
	var err error
	var last, port int
	ma.ForEach(transport, func(c ma.Component) bool {
		switch c.Protocol().Code {
		case ma.P_IP4, ma.P_IP6:
			if ip := net.IP(c.RawValue()); ip.IsUnspecified() {
				err = fmt.Errorf("%s is for listening, it cannot be dialed: name the address of the other machine", ip)
			}
		case ma.P_TCP, ma.P_UDP:
			port = c.Protocol().Code
			if c.Value() == "0" {
				err = errors.New("port 0 is for listening, it cannot be dialed: name the port that the other city prints")
			}
		}
		last = c.Protocol().Code
		return err == nil
	})
	switch {
	case err != nil:
		return err
	case port == 0:
		return fmt.Errorf("names no port; %s", peerHint)
	case last == ma.P_UDP:
		return errors.New("names no protocol over UDP: did you mean /udp/PORT/quic-v1?")
	}
	return nil
}

func isDNSAddr(addr ma.Multiaddr) bool {
	return len(addr) > 0 && addr[0].Protocol().Code == ma.P_DNSADDR
}

// quoted returns foreign text in quotes, safe for a terminal and short enough to
// read.
func quoted(s string) string {
	s = strings.TrimSpace(s)
	if len(s) > quotedBytesMax {
		return fmt.Sprintf("%.*q…", quotedBytesMax, s)
	}
	return fmt.Sprintf("%q", s)
}
