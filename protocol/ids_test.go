package protocol

import (
	"encoding/hex"
	"strings"
	"testing"
)

func TestNamesOfANetwork(t *testing.T) {
	got := strings.Join([]string{CallID("main"), SyncID("main"), DeltaTopic("main"), PresenceTopic("main")}, " ")
	const want = "/citynode/main/call/1.0.0 /citynode/main/sync/1.0.0 /citynode/main/delta/1 /citynode/main/presence/1"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	digest := NameDigest("main", "paris") // printf citynode/1/main/paris | sha256sum
	if got := hex.EncodeToString(digest[:]); got != "72e91aad35b4f04dde88237ecc03a80fab12ef86317830ba8b4df064bde1d386" {
		t.Error(got)
	}
}

func TestTheNetworksOfAPeerAreThoseOfItsCalls(t *testing.T) {
	spoken := []string{
		"/ipfs/id/1.0.0", CallID("main"), CallID("lab"), SyncID("other"), CallID("main"), "/citynode/Main/call/1.0.0",
		"/citynode//call/1.0.0", "/citynode/main/call/1.0.0/x", "/citynode/call/1.0.0",
	}
	if got := strings.Join(NetworksOf(spoken), " "); got != "lab main" {
		t.Error(got)
	}
}

func TestNetworksAreLabels(t *testing.T) {
	for _, name := range []string{"main", "a", "0", "a-b", strings.Repeat("a", 63)} {
		if err := ValidateNetwork(name); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"", "-a", "a-", "A", "a.b", "a/b", "é", strings.Repeat("a", 64)} {
		if err := ValidateNetwork(name); err == nil || !strings.HasPrefix(err.Error(), "network: ") {
			t.Errorf("%q: %v", name, err)
		}
	}
}
