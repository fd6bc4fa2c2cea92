package gossip

import (
	"context"
	"testing"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/peer"
	mocknet "github.com/libp2p/go-libp2p/p2p/net/mock"

	"github.com/citynode/citynode/crdt"
)

func TestOnlyWhatNoCorrectProgramSendsIsHeldAgainstItsSender(t *testing.T) {
	const horizon = 100
	d := &Deltas{own: "me", cfg: Config{Horizon: func() crdt.Stamp { return horizon }}}
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
		"nothing":                            {crdt.AppendEntries(nil, crdt.Entries{}), pubsub.ValidationReject},
		"an empty list":                      {crdt.AppendEntries(nil, crdt.Entries{Heroes: []crdt.Hero{}}), pubsub.ValidationReject},
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
	router, err := NewRouter(RouterConfig{Host: host, Network: "main", Missed: func(peer.ID) {}, Lost: func() {}})
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
		d.Offer([]crdt.Change{{ID: numberedID(n), New: aHero(numberedID(n), 50)}})
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
