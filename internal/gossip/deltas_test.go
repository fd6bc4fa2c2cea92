package gossip

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"os"
	"strconv"
	"testing"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/peer"
	mocknet "github.com/libp2p/go-libp2p/p2p/net/mock"

	"github.com/citynode/citynode/city"
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
		d := &Deltas{own: "own", volume: newVolumes(known("other")), cfg: Config{Horizon: func() crdt.Stamp { return crdt.Stamp(horizon) }}}
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

func TestOnlyWhatNoCorrectProgramSendsIsHeldAgainstItsSender(t *testing.T) {
	const horizon = 100
	d := &Deltas{own: "me", volume: newVolumes(known("other")), cfg: Config{Horizon: func() crdt.Stamp { return horizon }}}
	heroes := func(stamps ...uint8) (e crdt.Entries) {
		for n, stamp := range stamps {
			e.Heroes = append(e.Heroes, aHero(numberedID(n), stamp).Hero)
		}
		return e
	}
	future := heroes(1)
	future.Heroes[0].Version.HLC = horizon + 1
	mixed := heroes(1, 2)
	mixed.Heroes[0].Version.HLC = horizon + 1
	death := future
	death.Tombstones = []crdt.Tombstone{{ID: numberedID(9), Version: crdt.Version{HLC: horizon + 1}}}
	long := crdt.Entries{}
	for n := range (DeltaBytesMax - crdt.EntriesOverheadMax) / crdt.HeroSize(aHero(numberedID(0), 50).Hero) {
		long.Heroes = append(long.Heroes, aHero(numberedID(n), 50).Hero)
	}
	longer := crdt.Entries{Heroes: append(long.Heroes[:len(long.Heroes):len(long.Heroes)], aHero(numberedID(1<<20), 50).Hero)}
	for fact, row := range map[string]struct {
		data []byte
		want pubsub.ValidationResult
	}{
		"a hero":                             {crdt.AppendEntries(nil, heroes(horizon)), pubsub.ValidationAccept},
		"as much as a delta holds":           {crdt.AppendEntries(nil, long), pubsub.ValidationAccept},
		"more than a delta holds":            {crdt.AppendEntries(nil, longer), pubsub.ValidationReject},
		"nothing":                            {crdt.AppendEntries(nil, crdt.Entries{}), pubsub.ValidationIgnore},
		"an empty list":                      {crdt.AppendEntries(nil, crdt.Entries{Heroes: []crdt.Hero{}}), pubsub.ValidationIgnore},
		"garbage":                            {[]byte("garbage"), pubsub.ValidationReject},
		"a hero that is not due":             {crdt.AppendEntries(nil, future), pubsub.ValidationIgnore},
		"one that is due among others":       {crdt.AppendEntries(nil, mixed), pubsub.ValidationAccept},
		"a death beside one that is not due": {crdt.AppendEntries(nil, death), pubsub.ValidationAccept},
	} {
		m := &pubsub.Message{Message: &pb.Message{Data: row.data}, ReceivedFrom: "other"}
		if got := d.validate(t.Context(), "other", m); got != row.want {
			t.Errorf("%s: %v, want %v", fact, got, row.want)
		}
	}
}

// The last changes of a city that stops are nowhere else yet.
func TestWhatWaitsWhenACityStopsIsPublished(t *testing.T) {
	host, err := mocknet.New().GenPeer()
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	router, err := NewRouter(RouterConfig{Host: host, Network: "main", Known: known(), Missed: func(peer.ID) {}, Lost: func() {}, OwnEcho: func(peer.ID) {}})
	if err != nil {
		t.Fatal(err)
	}
	defer router.Close() //nolint:errcheck // ending anyway
	d, err := NewDeltas(router, Config{Network: "main", Horizon: func() crdt.Stamp { return crdt.NoHorizon }})
	if err != nil {
		t.Fatal(err)
	}
	sub, err := d.topic.Subscribe()
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Cancel()
	for n := range 20 { // the end and what waits come in either order
		stopped, stop := context.WithCancel(t.Context())
		stop()
		d.Stepped(&city.Effects{Changes: []crdt.Change{{ID: numberedID(n), New: aHero(numberedID(n), 50)}}})
		if err := d.publish(stopped); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		m, err := sub.Next(ctx)
		cancel()
		if err != nil {
			t.Fatalf("hero %d was not published: %v", n, err)
		}
		if e, err := crdt.DecodeEntries(m.Data); err != nil || len(e.Heroes) != 1 || e.Heroes[0].ID != numberedID(n) {
			t.Errorf("published %+v, %v", e, err)
		}
	}
}
