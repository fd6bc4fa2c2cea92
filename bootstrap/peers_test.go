package bootstrap

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

const (
	addrA = "/ip4/192.0.2.1/tcp/4001/p2p/" + peerA
	addrB = "/ip6/2001:db8::1/udp/4001/quic-v1/p2p/" + peerB
)

func TestGoodPeersAreTakenInOrderAndOnce(t *testing.T) {
	got, err := ParsePeers([]string{
		" " + addrA + "\t", "", addrB, addrA,
		"/dnsaddr/example.org", "/dnsaddr/example.org/p2p/" + peerA,
		"/dns4/example.org/tcp/443/wss/p2p/" + peerA,
		addrA + "/p2p-circuit/p2p/" + peerB,
	})
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("[%s %s /dnsaddr/example.org /dnsaddr/example.org/p2p/%s /dns4/example.org/tcp/443/wss/p2p/%s %s/p2p-circuit/p2p/%s]",
		addrA, addrB, peerA, peerA, addrA, peerB)
	if fmt.Sprint(got) != want {
		t.Errorf("got  %v\nwant %s", got, want)
	}
}

func TestABadPeerIsQuotedWithWhatToDo(t *testing.T) {
	for item, want := range map[string]string{
		"192.0.2.1:4001":                             "host:port, not a multiaddr; expected something like /ip4/",
		"https://192.0.2.1:4001":                     "a URL, not a multiaddr; expected",
		peerA:                                        "a peer ID without an address to dial; expected",
		"gotham":                                     "it does not start with /; expected",
		"/ip4/192.0.2.1/tcp/4001":                    "it must end in /p2p/PEERID, as the other city prints it when it starts",
		"/p2p/" + peerA:                              "names a peer but no address to dial",
		"/ip4/192.0.2.1/p2p/" + peerA:                "names no port",
		"/ip4/192.0.2.1/udp/4001/p2p/" + peerA:       "did you mean /udp/PORT/quic-v1?",
		"/ip4/0.0.0.0/tcp/4001/p2p/" + peerA:         "0.0.0.0 is for listening",
		"/ip6/::/tcp/4001/p2p/" + peerA:              ":: is for listening",
		"/ip4/192.0.2.1/tcp/0/p2p/" + peerA:          "port 0 is for listening",
		"/ip4/192.0.2.1/tcp/4001/p2p/12D3KooWrong":   "12D3KooWrong is no peer ID",
		"/ip4/192.0.2.300/tcp/4001/p2p/" + peerA:     "not a multiaddr (",
		"/dnsaddr/example.org/tcp/4001/p2p/" + peerA: "only /p2p/PEERID may follow /dnsaddr/NAME",
		"/":                         "not a multiaddr (",
		strings.Repeat("/a", 5_000): "longer than 1024 bytes",
	} {
		got, err := ParsePeers([]string{addrA, item, addrB})
		if bad, ok := errors.AsType[*ItemError](err); !ok || bad.Item != item || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %v\nwant %s", item, err, want)
			continue
		}
		if len(got) != 2 {
			t.Errorf("%.60s: the good ones are lost: %v", item, got)
		}
		if len(err.Error()) > 500 {
			t.Errorf("%.60s: an error of %d bytes", item, len(err.Error()))
		}
	}
}

func TestEveryBadPeerIsReported(t *testing.T) {
	_, err := ParsePeers([]string{"one", addrA, "two"})
	if err == nil || !strings.Contains(err.Error(), `"one"`) || !strings.Contains(err.Error(), `"two"`) {
		t.Errorf("got %v", err)
	}
}

func TestAnErrorCannotDriveATerminal(t *testing.T) {
	_, err := ParsePeers([]string{"\x1b[2J" + strings.Repeat("x", 300)})
	if err == nil || strings.ContainsAny(err.Error(), "\x1b\n") || strings.Contains(err.Error(), strings.Repeat("x", 150)) {
		t.Errorf("got %v", err)
	}
}

func TestTheEnvironmentIsSplitAtCommasAndSpace(t *testing.T) {
	t.Setenv(EnvPeers, addrA+","+addrB+" \n/dnsaddr/example.org ")
	if got, err := PeersFromEnv(); err != nil || len(got) != 3 {
		t.Errorf("got %v, %v", got, err)
	}
	t.Setenv(EnvPeers, "")
	if got, err := PeersFromEnv(); err != nil || len(got) != 0 {
		t.Errorf("got %v, %v", got, err)
	}
	t.Setenv(EnvPeers, "gotham")
	if _, err := PeersFromEnv(); err == nil || !strings.HasPrefix(err.Error(), EnvPeers+": ") {
		t.Errorf("got %v", err)
	}
}

func TestTheNumberOfPeersIsBounded(t *testing.T) {
	var items []string
	for i := range peersMax + 1 {
		items = append(items, fmt.Sprintf("/ip4/192.0.2.1/tcp/%d/p2p/%s", i+1, peerA))
	}
	if got, err := ParsePeers(items); err == nil || len(got) != peersMax {
		t.Errorf("%d taken, %v", len(got), err)
	}
}

// FuzzReadPeers feeds files of addresses, which hold any text.
func FuzzReadPeers(f *testing.F) {
	f.Add("# comment\n\n" + addrA + " # ours\r\n/dnsaddr/example.org\n")
	f.Add("gotham\n/ip4/0.0.0.0/tcp/0/p2p/" + peerA)
	f.Add(addrB + "#no comment")
	f.Fuzz(func(t *testing.T, text string) {
		addrs, err := readLineAddrs("file", strings.NewReader(text), peersMax)
		if len(addrs) > peersMax {
			t.Fatalf("%d addresses", len(addrs))
		}
		for _, addr := range addrs {
			again, err := ParsePeers([]string{addr.String()})
			if err != nil || len(again) != 1 || !again[0].Equal(addr) {
				t.Fatalf("%s was taken, and read again it is %v, %v", addr, again, err)
			}
		}
		_ = mergePeers(addrs)
		_ = fmt.Sprint(err)
		if line, ok := errors.AsType[*LineError](err); ok && (line.Line < 1 || line.Line > strings.Count(text, "\n")+1) {
			t.Fatalf("line %d", line.Line)
		}
	})
}
