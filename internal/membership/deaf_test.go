package membership

import (
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	mocknet "github.com/libp2p/go-libp2p/p2p/net/mock"
)

func TestAPeerIsDeafThatIsConnectedAndHasLongLeftTheTopic(t *testing.T) {
	net, err := mocknet.FullMeshConnected(2)
	if err != nil {
		t.Fatal(err)
	}
	defer net.Close() //nolint:errcheck // of a test
	gotham, metropolis := net.Hosts()[0], net.Hosts()[1]
	there := []peer.ID{metropolis.ID()}
	d := newDeafDetector(gotham)
	begun := time.Now()
	for i, row := range []struct {
		after   time.Duration
		members []peer.ID
		deaf    bool
	}{
		{0, nil, false}, // it was never in the topic
		{10 * time.Second, nil, false},
		{11 * time.Second, there, false},
		{12 * time.Second, nil, false}, // it has just left
		{14 * time.Second, there, false},
		{15 * time.Second, nil, false},
		{19 * time.Second, nil, false},
		{21 * time.Second, nil, true},
		{30 * time.Second, nil, false}, // told once
	} {
		if deaf := d.expire(row.members, begun.Add(row.after)); slices.Equal(deaf, there) != row.deaf {
			t.Errorf("%d: deaf are %v", i, deaf)
		}
	}
	d.passed("gone")
	d.expire([]peer.ID{"gone"}, begun)
	if d.expire(nil, begun); len(d.missing) != 0 {
		t.Error("one that is not connected is remembered")
	}
}

func TestAPeerIsDeafThatWasHeardAndIsNeverSeenInTheTopic(t *testing.T) {
	net, err := mocknet.FullMeshConnected(2)
	if err != nil {
		t.Fatal(err)
	}
	defer net.Close() //nolint:errcheck // of a test
	metropolis := net.Hosts()[1].ID()
	d := newDeafDetector(net.Hosts()[0])
	begun := time.Now()
	d.passed(metropolis)
	for second, deaf := range []int{0, 0, 0, 0, 0, 0, 1, 0} {
		if got := d.expire(nil, begun.Add(time.Duration(second)*time.Second)); len(got) != deaf {
			t.Errorf("after %d s deaf are %v", second, got)
		}
		if second < 4 {
			d.passed(metropolis)
		}
	}
}
