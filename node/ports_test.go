package node

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/citynode/citynode/internal/datadir"
	manet "github.com/multiformats/go-multiaddr/net"
)

// listensOn makes a node that is told no address, and gives those that it has.
func listensOn(t *testing.T, dir string) []ma.Multiaddr {
	t.Helper()
	cfg := quiet("gotham")
	cfg.DataDir, cfg.Ephemeral = dir, true
	n, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close() //nolint:errcheck // ending anyway
	addrs := n.host.Network().ListenAddresses()
	slices.SortFunc(addrs, ma.Multiaddr.Compare)
	if len(addrs) != 2 {
		t.Fatalf("it listens on %v, want one TCP and one QUIC address", addrs)
	}
	return addrs
}

func TestACityListensWhereItDidBefore(t *testing.T) {
	dir := t.TempDir()
	first := listensOn(t, dir)
	if again := listensOn(t, dir); !slices.EqualFunc(again, first, ma.Multiaddr.Equal) {
		t.Errorf("it listens on %v, did on %v", again, first)
	}
}

func TestACityWhoseOldPortIsTakenListensOnAnother(t *testing.T) {
	dir := t.TempDir()
	first := listensOn(t, dir)
	for _, addr := range first {
		port, err := addr.ValueForProtocol(ma.P_TCP)
		if err != nil {
			continue
		}
		taken, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", port))
		if err != nil {
			t.Fatal(err)
		}
		defer taken.Close() //nolint:errcheck // ending anyway
	}
	moved := listensOn(t, dir)
	if same := slices.IndexFunc(first, moved[0].Equal); same >= 0 {
		t.Errorf("it listens on %v, all taken", moved)
	}
	if !moved[1].Equal(first[1]) {
		t.Errorf("its QUIC address is %v, was %v", moved[1], first[1])
	}
}

func TestNothingIsLostWithTheOldPorts(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, datadir.ListenName), []byte("/ip4/127.0.0.1/tcp/99999\nnoise\n/ip4/0.0.0.0/tcp/1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	listensOn(t, dir)
}

// Who is told no network must not be found by one because it was told one before.
func TestANodeListensNoWiderThanItIsToldWhateverItDidBefore(t *testing.T) {
	dir := t.TempDir()
	if err := datadir.KeepListen(dir, usualListen("", true)); err != nil {
		t.Fatal(err)
	}
	for _, addr := range usualListen(dir, false) {
		if !manet.IsIPLoopback(addr) {
			t.Errorf("listens on %s", addr)
		}
	}
}
