package gossip

import (
	"slices"
	"strconv"
	"testing"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/peer"
)

// known returns what says of some peers that they are known.
func known(some ...peer.ID) func(peer.ID) bool {
	return func(p peer.ID) bool { return slices.Contains(some, p) }
}

// A meterTest is the volumes of a node, and their clock.
type meterTest struct {
	*volumes
	time time.Time
}

func newMeterTest(some ...peer.ID) *meterTest {
	m := &meterTest{time: time.Now()}
	m.volumes = newVolumes(known(some...))
	m.now = func() time.Time { return m.time }
	m.strangers.at = m.time
	return m
}

// sends has a peer send so many messages of a length, and returns how many are taken.
func (m *meterTest) sends(t *testing.T, p peer.ID, n, bytes int) int {
	t.Helper()
	rpc := &pubsub.RPC{RPC: pb.RPC{Control: &pb.ControlMessage{}}}
	for range n {
		rpc.Publish = append(rpc.Publish, &pb.Message{Data: make([]byte, bytes)})
	}
	if err := m.inspect(p, rpc); err != nil || rpc.Control == nil {
		t.Errorf("what controls the mesh is dropped: %v", err)
	}
	return len(rpc.Publish)
}

func TestWhatAPeerSendsIsBoundedByMessagesAndBytes(t *testing.T) {
	for _, row := range []struct {
		peer        peer.ID
		rate, burst volume
	}{{"stranger", strangerRate, strangerBurst}, {"friend", knownRate, knownBurst}} {
		m := newMeterTest("friend")
		few := int(row.burst.messages)
		if got := m.sends(t, row.peer, 2*few, 1); got != few {
			t.Errorf("%s: %d small messages are taken, want %d", row.peer, got, few)
		}
		m.time = m.time.Add(time.Second)
		if got, want := m.sends(t, row.peer, 2*few, 1), int(row.rate.messages); got != want {
			t.Errorf("%s: %d a second later, want %d", row.peer, got, want)
		}
		m = newMeterTest("friend")
		long := int(row.burst.bytes) / DeltaBytesMax
		if got := m.sends(t, row.peer, 2*long, DeltaBytesMax); got != long {
			t.Errorf("%s: %d long messages are taken, want %d", row.peer, got, long)
		}
	}
}

// Each key that a stranger makes up has the volume of a peer, so all of them have one.
func TestStrangersShareWhatTheySendAndCannotTakeThatOfOthers(t *testing.T) {
	m := newMeterTest("friend")
	taken := 0
	for i := range 100 {
		taken += m.sends(t, peer.ID(strconv.Itoa(i)), int(strangerBurst.messages), 1)
	}
	if want := int(strangersBurst.messages); taken != want {
		t.Errorf("%d are taken of strangers, want %d", taken, want)
	}
	if got := m.sends(t, "friend", 1000, 1); got != 1000 {
		t.Errorf("%d of 1000 are taken of a peer that is known", got)
	}
}

func TestAnAuthorIsBoundedWhoeverPassesItOn(t *testing.T) {
	m := newMeterTest("friend")
	taken := 0
	for range int(authorBurst.messages) + 2*overFree { // so many that the sender would lose its score
		if m.author("stranger", "mesh", 1) {
			taken++
		}
	}
	if taken != int(authorBurst.messages) {
		t.Errorf("%d are taken, want %d", taken, int(authorBurst.messages))
	}
	if score := m.score("mesh"); score != 0 {
		t.Errorf("who passes on what others signed is blamed: %v", score)
	}
	if !m.author("another", "stranger", 1) || !m.author("friend", "stranger", 1) {
		t.Error("another author is not taken")
	}
}

func TestWhoSendsFarTooMuchIsNotListenedToForAWhile(t *testing.T) {
	m := newMeterTest()
	m.sends(t, "flooder", int(strangerBurst.messages), 1)
	m.sends(t, "hasty", int(strangerBurst.messages)+overFree, 1)
	for range 60 { // seconds
		m.time = m.time.Add(time.Second)
		m.sends(t, "flooder", 5000, 1)
	}
	if score := m.score("flooder"); score >= graylistBelow {
		t.Errorf("a flooder has score %v, want less than %d", score, graylistBelow)
	}
	if score := m.score("hasty"); score != 0 {
		t.Errorf("who was once a little over has score %v", score)
	}
	m.time = m.time.Add(3 * overForgets)
	if score := m.score("flooder"); score != 0 {
		t.Errorf("three minutes later it has score %v", score)
	}
}

func TestTheConnectionsOfAStrangerWhoFloodsAreClosed(t *testing.T) {
	m := newMeterTest("friend")
	m.sends(t, "hasty", int(strangerBurst.messages)+cutOver, 1)
	m.sends(t, "friend", int(knownBurst.messages)+3*cutOver, 1)
	if got := m.flooders(); len(got) != 0 {
		t.Errorf("%v are closed", got)
	}
	long := cutOver / (DeltaBytesMax / overBytes)
	m.sends(t, "flooder", int(strangerBurst.bytes)/DeltaBytesMax+long+2, DeltaBytesMax)
	if got := m.flooders(); !slices.Equal(got, []peer.ID{"flooder"}) {
		t.Errorf("%v are closed, want flooder", got)
	}
	if got := m.flooders(); len(got) != 0 {
		t.Errorf("%v are closed again for the same", got)
	}
	select {
	case <-m.flooded:
	default:
		t.Error("nobody is told of it")
	}
	if m.sends(t, "flooder", 1+cutAgain/(DeltaBytesMax/overBytes), DeltaBytesMax); len(m.flooders()) != 1 {
		t.Error("who goes on is not closed again at once")
	}
	m.time = m.time.Add(time.Hour)
	if m.sends(t, "flooder", int(strangerBurst.messages)+cutAgain+1, 1); len(m.flooders()) != 0 {
		t.Error("what was long ago counts")
	}
}

func TestTheMemoryOfVolumesIsBounded(t *testing.T) {
	m := newMeterTest("friend")
	m.sends(t, "friend", 10, 1)
	for i := range 2 * metersMax {
		m.sends(t, peer.ID(strconv.Itoa(i)), 1, 1)
		m.author(peer.ID(strconv.Itoa(i)), "friend", 1)
	}
	if len(m.peers) > metersMax || len(m.authors) > metersMax {
		t.Errorf("%d peers and %d authors are remembered, want at most %d", len(m.peers), len(m.authors), metersMax)
	}
	m.time = m.time.Add(time.Hour)
	if m.sends(t, "later", 1, 1); len(m.peers) > 2 {
		t.Errorf("%d peers are remembered that have sent nothing for an hour", len(m.peers))
	}
}
