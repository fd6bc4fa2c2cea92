package gossip

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"strconv"
	"testing"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"

	"github.com/citynode/citynode/crdt"
)

// verdicts are what the vectors call what GossipSub is told.
var verdicts = map[pubsub.ValidationResult]string{
	pubsub.ValidationAccept: "accept",
	pubsub.ValidationIgnore: "ignore",
	pubsub.ValidationReject: "blame",
}

func TestDeltasAreJudgedAsTheVectorsSay(t *testing.T) {
	text, err := os.ReadFile("../../docs/wire/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct{ Kind, Name, Hex, Horizon, Consequence string }
	if err := json.Unmarshal(text, &vectors); err != nil {
		t.Fatal(err)
	}
	judged := 0
	for _, v := range vectors {
		if v.Kind != "delta" {
			continue
		}
		judged++
		data, err := hex.DecodeString(v.Hex)
		if err != nil {
			t.Fatalf("%s: %v", v.Name, err)
		}
		horizon, err := strconv.ParseUint(v.Horizon, 10, 64)
		if err != nil {
			t.Fatalf("%s: %v", v.Name, err)
		}
		d := &Deltas{own: "own", cfg: Config{Horizon: func() crdt.Stamp { return crdt.Stamp(horizon) }}}
		m := &pubsub.Message{Message: &pb.Message{Data: data}, ReceivedFrom: "other"}
		if got := verdicts[d.validate(t.Context(), "other", m)]; got != v.Consequence {
			t.Errorf("%s: %s, want %s", v.Name, got, v.Consequence)
		}
		if _, merged := m.ValidatorData.(crdt.Entries); merged != (v.Consequence == "accept") {
			t.Errorf("%s: handed on for merging: %t", v.Name, merged)
		}
	}
	if judged == 0 {
		t.Error("no vectors")
	}
}

func TestADeltaThatIsTooLongIsBlamed(t *testing.T) {
	d := &Deltas{own: "own"}
	m := &pubsub.Message{Message: &pb.Message{Data: make([]byte, DeltaBytesMax+1)}, ReceivedFrom: "other"}
	if got := d.validate(t.Context(), "other", m); got != pubsub.ValidationReject {
		t.Error(verdicts[got])
	}
}
