//go:build linux

package hostile

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"

	"github.com/citynode/citynode/protocol"
)

// Kinds and keys of messages of the sync protocol, as docs/wire/sync.md has them.
const (
	kindHello, kindAsk, kindWant, kindUnavailable = 1, 4, 6, 13

	keyKind, keySide, keyCells, keyAudit, keySymbols, keyMore = 1, 2, 8, 10, 11, 14
)

// audits has each city walk through its state again and again: for the greatest sketch
// there is, and for as many symbols as a message has.
var audits = newAttack("audits", func(ctx context.Context, task attackTask, counts *tally) error {
	return eachTarget(ctx, task, func(ctx context.Context, h host.Host, city peer.AddrInfo) {
		if err := auditOnce(ctx, h, city, counts); err != nil {
			counts.add("sessions ended")
		}
	})
})

// auditOnce has one session with a city, until the city ends it.
func auditOnce(ctx context.Context, h host.Host, city peer.AddrInfo, counts *tally) error {
	stream, err := h.NewStream(ctx, city.ID, libp2pprotocol.ID(protocol.SyncID(protocol.DefaultNetwork)))
	if err != nil {
		return err
	}
	defer stream.Reset() //nolint:errcheck // ending anyway
	defer context.AfterFunc(ctx, func() { _ = stream.Reset() })()
	s := syncStream{Stream: stream, in: bufio.NewReader(stream)}
	summary := map[int]any{1: 1, 2: 0, 3: make([]byte, 16)}
	if _, err := s.ask(map[int]any{keyKind: kindHello, keySide: map[int]any{1: 1, 2: summary, 3: 1}}); err != nil {
		return err
	}
	audit := map[int]any{1: 7, 2: 1}
	for {
		for what, message := range map[string]map[int]any{
			"audited asks":  {keyKind: kindAsk, keyCells: 1 << 20, keyAudit: audit},
			"audited wants": {keyKind: kindWant, keyAudit: audit, keySymbols: make([]byte, 128<<10)},
		} {
			kind, err := s.ask(message)
			if err != nil {
				return err
			}
			if kind == kindUnavailable {
				counts.add("audits refused")
				return errors.New("refused")
			}
			counts.add(what)
		}
	}
}

// A syncStream speaks the sync protocol by hand.
type syncStream struct {
	network.Stream
	in *bufio.Reader
}

// ask sends a message and reads the answer to its end, of which it returns the kind.
func (s syncStream) ask(message map[int]any) (kind int, err error) {
	mode, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		return 0, err
	}
	payload, err := mode.Marshal(message)
	if err != nil {
		return 0, err
	}
	if err := protocol.WriteFrame(s, payload); err != nil {
		return 0, err
	}
	for {
		payload, err := protocol.ReadFrame(s.in, protocol.FrameBytesMax)
		if err != nil {
			return 0, err
		}
		var answer map[int]cbor.RawMessage
		if err := cbor.Unmarshal(payload, &answer); err != nil {
			return 0, err
		}
		if err := cbor.Unmarshal(answer[keyKind], &kind); err != nil {
			return 0, fmt.Errorf("kind: %w", err)
		}
		if _, more := answer[keyMore]; !more {
			return kind, nil
		}
	}
}

func TestAuditsOfAMillionEntriesHoldUpNobody(t *testing.T) {
	tasks := threeCities()
	for i := range tasks {
		tasks[i].Entries = 1_000_000
		if *short {
			tasks[i].Entries /= 5
		}
	}
	c := newCluster(t, tasks...)
	r := c.endure(t, attackTask{Attack: audits, From: privateNet + ".66.6", Shown: "audits refused"}, nil)
	r.judge(t)
}
