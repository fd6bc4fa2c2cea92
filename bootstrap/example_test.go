package bootstrap_test

import (
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/citynode/citynode/bootstrap"
)

const (
	gotham     = "/ip4/192.0.2.1/udp/4001/quic-v1/p2p/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN"
	metropolis = "/dnsaddr/metropolis.example"
)

// Peers come from flags, files and the environment as text.
func ExampleParsePeers() {
	peers, err := bootstrap.ParsePeers([]string{gotham, "", metropolis, "/ip4/192.0.2.2/tcp/4001"})
	for _, addr := range peers {
		fmt.Println(addr)
	}
	if bad, ok := errors.AsType[*bootstrap.ItemError](err); ok {
		fmt.Println("left out:", bad.Item)
	}
	// Output:
	// /ip4/192.0.2.1/udp/4001/quic-v1/p2p/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN
	// /dnsaddr/metropolis.example
	// left out: /ip4/192.0.2.2/tcp/4001
}

// A file has one peer a line. Good lines are used although others are bad.
func ExampleReadPeersFile() {
	dir, err := os.MkdirTemp("", "peers")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "peers")
	if err := os.WriteFile(path, []byte("# of the league\n"+gotham+" # the first\nmetropolis\n"), 0o600); err != nil {
		log.Fatal(err)
	}

	peers, err := bootstrap.ReadPeersFile(path)
	fmt.Println(len(peers), "peer")
	if bad, ok := errors.AsType[*bootstrap.LineError](err); ok {
		fmt.Printf("line %d is %q\n", bad.Line, bad.Text)
	}
	added, err := bootstrap.AppendPeerToFile(path, metropolis)
	fmt.Println("added:", added, err)
	// Output:
	// 1 peer
	// line 3 is "metropolis"
	// added: true <nil>
}
