package protocol

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/citynode/citynode/crdt"
)

// Names that a network's streams, topics and records go by.
const (
	// DefaultNetwork is the network of a city that was told none.
	DefaultNetwork = "main"
	// DHTPrefix is the protocol prefix of the one DHT that all networks share.
	DHTPrefix = "/citynode"
	// MDNSService is the service name that cities announce on the local link.
	MDNSService = "_citynode._udp"
)

// CallID returns the ID of the stream protocol for calls in network.
func CallID(network string) string { return "/citynode/" + network + "/call/1.0.0" }

// NetworksOf returns the networks whose calls a peer answers that speaks these protocols,
// sorted, each once. Other IDs are passed over.
func NetworksOf[ID ~string](spoken []ID) []string {
	var networks []string
	before, after, _ := strings.Cut(CallID("\x00"), "\x00")
	for _, id := range spoken {
		name, ok := strings.CutPrefix(string(id), before)
		if !ok {
			continue
		}
		if name, ok = strings.CutSuffix(name, after); ok && ValidateNetwork(name) == nil {
			networks = append(networks, name)
		}
	}
	slices.Sort(networks)
	return slices.Compact(networks)
}

// SyncID returns the ID of the stream protocol for anti-entropy in network.
func SyncID(network string) string { return "/citynode/" + network + "/sync/1.0.0" }

// AliveID returns the ID of the stream protocol for questions in network.
func AliveID(network string) string { return "/citynode/" + network + "/alive/1.0.0" }

// AliveTopic returns the name of the GossipSub topic that carries signs in network.
func AliveTopic(network string) string { return "/citynode/" + network + "/alive/1" }

// DeltaTopic returns the name of the GossipSub topic that carries deltas in network.
func DeltaTopic(network string) string { return "/citynode/" + network + "/delta/1" }

// PresenceTopic returns the name of the GossipSub topic that carries presence in network.
func PresenceTopic(network string) string { return "/citynode/" + network + "/presence/1" }

// NameDigest returns the SHA-256 digest under which the holder of a city's name provides it in the DHT. The
// record's key is the CIDv1 of codec raw (0x55) and multihash sha2-256 (0x12) of that digest.
func NameDigest(network, city string) [sha256.Size]byte {
	return sha256.Sum256([]byte("citynode/1/" + network + "/" + city))
}

// ValidateNetwork returns nil if name is a DNS label in lower case: 1 to 63
// letters, digits and inner hyphens. Its error says what is wrong.
func ValidateNetwork(name string) error {
	// Any label is a location, so that networks and cities share one rule.
	if invalid, ok := errors.AsType[*crdt.InvalidError](crdt.ValidateLocation(name)); ok {
		return fmt.Errorf("network: %s", invalid.Reason)
	}
	return nil
}
