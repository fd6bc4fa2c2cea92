package node

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/internal/logging"
	"github.com/citynode/citynode/protocol"
)

// answersTo returns the codes of the last responses to what is sent on a stream of
// its own, which is closed then.
func (s *stranger) answersTo(t *testing.T, m *member, sent []byte) (codes []string) {
	t.Helper()
	stream := s.callStream(t, m)
	defer stream.Close() //nolint:errcheck // the test has what it wants
	if _, err := stream.Write(sent); err != nil {
		t.Fatal(err)
	}
	if err := stream.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	for in := bufio.NewReader(stream); ; {
		payload, err := protocol.ReadFrame(in, protocol.FrameBytesMax)
		if errors.Is(err, io.EOF) {
			return codes
		}
		var answer protocol.Response
		if err == nil {
			err = protocol.UnmarshalLenient(payload, &answer)
		}
		if err != nil {
			t.Fatal(err)
		}
		if !answer.More {
			codes = append(codes, answer.Code.String())
		}
	}
}

// The vectors of requests are one session with a real city, as an admin.
func TestARealCityAnswersTheVectorsAsTheySay(t *testing.T) {
	text, err := os.ReadFile("../docs/wire/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		Kind, Name, Hex string
		Codes           []string
	}
	if err := json.Unmarshal(text, &vectors); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		caller := newStranger(t, net)
		cfg := quiet("paris")
		cfg.Admins = []peer.ID{caller.ID()}
		cfg.LogLevels = logging.NewLevels(slog.LevelWarn, LogComponents(), nil)
		cfg.Now = aheadBy(26 * 365 * 24 * time.Hour) // a bubble begins in 2000
		paris := net.start(t, cfg)
		awaitReady(t, paris)
		caller.meets(t, paris)
		asked := 0
		for _, v := range vectors {
			sent, err := hex.DecodeString(v.Hex)
			if err != nil {
				t.Fatal(err)
			}
			switch v.Kind {
			case "request":
				sent = append(frameHead(len(sent)), sent...)
			case "stream":
			default:
				continue
			}
			asked++
			if got := caller.answersTo(t, paris, sent); !slices.Equal(got, v.Codes) {
				t.Errorf("%s/%s: answered %v, want %v", v.Kind, v.Name, got, v.Codes)
			}
		}
		t.Logf("%d streams", asked)
	})
}

// frameHead returns the length of a frame as it stands before the frame.
func frameHead(n int) (head []byte) {
	for ; n >= 0x80; n >>= 7 {
		head = append(head, byte(n)|0x80)
	}
	return append(head, byte(n))
}
