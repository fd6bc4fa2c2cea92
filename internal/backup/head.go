package backup

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/cbor"
	"github.com/citynode/citynode/protocol"
)

// Version is the version of the format that this package writes, and the greatest that it
// reads.
const Version = 1

// magic begins every file of every version. The line's end shows a transfer that changes
// the ends of lines.
const magic = "citynode backup\n"

// Sizes in bytes.
const (
	versionBytes = 4
	lengthBytes  = 4
	sumBytes     = 32
	// pageBytesMax is the most entries that a Writer puts into one frame: a few hundred.
	pageBytesMax = 64 << 10
	// frameBytesMax is the most that a Reader takes, as in a frame of the call protocol.
	frameBytesMax = 256 << 10
	// peerBytesMax bounds a peer ID, as on the wire.
	peerBytesMax = 70
)

// Keys of the head.
const (
	keyNetwork = 1 + iota
	keyCity
	keyPeer
	keyTaken
	keySummary
	headKeys = iota
)

// A Head says what a file holds.
type Head struct {
	Network string // of the city, a DNS label
	City    string // its name
	Peer    []byte // the bytes of its peer ID, 1 to 70
	// Taken is when the city held just this, by its clock; of a store that was read while
	// its city did not run, when it was read.
	Taken   crdt.Stamp
	Summary crdt.Summary // of all entries in the file
}

// validate returns what is wrong with a head, or nil.
func (h Head) validate() error {
	if err := protocol.ValidateNetwork(h.Network); err != nil {
		return err
	}
	if err := crdt.ValidateCityName(h.City); err != nil {
		return fmt.Errorf("city: %w", err)
	}
	if len(h.Peer) == 0 || len(h.Peer) > peerBytesMax {
		return fmt.Errorf("peer ID of %d bytes, want 1 to %d", len(h.Peer), peerBytesMax)
	}
	return nil
}

// append appends the one encoding of a head.
func (h Head) append(dst []byte) []byte {
	dst = cbor.AppendHead(dst, cbor.Map, headKeys)
	dst = cbor.AppendText(cbor.AppendUint(dst, keyNetwork), h.Network)
	dst = cbor.AppendText(cbor.AppendUint(dst, keyCity), h.City)
	dst = cbor.AppendBytes(cbor.AppendUint(dst, keyPeer), h.Peer)
	dst = cbor.AppendUint(cbor.AppendUint(dst, keyTaken), uint64(h.Taken))
	return crdt.AppendSummary(cbor.AppendUint(dst, keySummary), h.Summary)
}

// parseHead reads a head. It takes the one encoding and no other.
func parseHead(b []byte) (h Head, err error) {
	r := cbor.NewReader(b, cbor.Limits{})
	if n := r.Map("head"); n != headKeys {
		r.Failf(0, "a head of %d keys, want %d", n, headKeys)
	}
	r.Expect(cbor.Uint, "key")
	h.Network = string(r.Text("network", crdt.CityNameBytesMax))
	r.Expect(cbor.Uint, "key")
	h.City = string(r.Text("city", crdt.CityNameBytesMax))
	r.Expect(cbor.Uint, "key")
	h.Peer = append([]byte{}, r.Bytes("peer", 1, peerBytesMax)...)
	r.Expect(cbor.Uint, "key")
	h.Taken = crdt.Stamp(r.Uint("taken"))
	r.Expect(cbor.Uint, "key")
	if r.Failed() {
		return Head{}, r.Err()
	}
	if h.Summary, _, err = crdt.CutSummary(r.Rest()); err != nil {
		return Head{}, err
	}
	if !bytes.Equal(h.append(nil), b) {
		return Head{}, errors.New("a head in another encoding than the one it has")
	}
	return h, h.validate()
}
