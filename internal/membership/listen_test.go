package membership

import (
	"bytes"
	"testing"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"

	"github.com/citynode/citynode/protocol"
)

// longPresence is a presence with an unknown key, as a later version may have, that
// makes it more than size bytes long.
func longPresence(t *testing.T, size int) []byte {
	t.Helper()
	data, err := protocol.Marshal(presenceOf(gotham(after(1), after(2))))
	if err != nil {
		t.Fatal(err)
	}
	data[0]++ // one more pair
	data = append(data, 23, 0x59, byte(size>>8), byte(size))
	return append(data, bytes.Repeat([]byte{0}, size)...)
}

func TestAPresenceIsTakenUpToItsBound(t *testing.T) {
	for size, want := range map[int]pubsub.ValidationResult{
		256: pubsub.ValidationAccept, PresenceBytesMax: pubsub.ValidationReject,
	} {
		m := &pubsub.Message{Message: &pb.Message{From: []byte("author"), Data: longPresence(t, size)}}
		if got := NewScreen("own", NewDirectory()).Validate(t.Context(), "p", m); got != want {
			t.Errorf("with %d bytes under an unknown key: %v, want %v", size, got, want)
		}
	}
	m := &pubsub.Message{Message: &pb.Message{Data: []byte{0xa0}}}
	if got := NewScreen("own", NewDirectory()).Validate(t.Context(), "p", m); got != pubsub.ValidationReject {
		t.Errorf("what is no presence: %v", got)
	}
}
