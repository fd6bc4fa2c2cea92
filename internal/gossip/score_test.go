package gossip

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"
)

func TestInvalidMessagesCountAgainstTheirSenderForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newInvalids()
		from := func(p peer.ID) *pubsub.Message { return &pubsub.Message{ReceivedFrom: p} }
		for range 3 {
			i.add(from("bad"), pubsub.RejectValidationFailed)
			i.add(from("good"), pubsub.RejectSelfOrigin) // our own, that we have forgotten
			i.add(from("good"), pubsub.RejectValidationIgnored)
			i.add(from("good"), pubsub.RejectValidationQueueFull)
		}
		if bad, good := i.score("bad"), i.score("good"); bad > graylistBelow || good != 0 {
			t.Errorf("bad has %v, good %v", bad, good)
		}
		time.Sleep(invalidForgets)
		if bad := i.score("bad"); bad < -1 {
			t.Errorf("bad still has %v", bad)
		}
		i.add(from("bad"), pubsub.RejectValidationFailed)
		if bad := i.score("bad"); bad < 1.1*invalidWeight {
			t.Errorf("for one more message bad has %v, as if the others were not long ago", bad)
		}
	})
}

// Any score below 0 keeps a peer out of the meshes.
func TestOneInvalidMessageIsForgottenInTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newInvalids()
		i.add(&pubsub.Message{ReceivedFrom: "bad"}, pubsub.RejectValidationFailed)
		time.Sleep(invalidForgets / 2)
		if bad := i.score("bad"); bad >= 0 {
			t.Errorf("forgotten already: %v", bad)
		}
		time.Sleep(invalidForgets/2 + time.Second)
		if bad := i.score("bad"); bad != 0 {
			t.Errorf("it still counts: %v", bad)
		}
	})
}

func TestCountsOfInvalidMessagesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := newInvalids()
		for range 3 {
			i.add(&pubsub.Message{ReceivedFrom: "worst"}, pubsub.RejectInvalidSignature)
		}
		for n := range invalidsMax + 10 {
			i.add(&pubsub.Message{ReceivedFrom: peer.ID(strconv.Itoa(n))}, pubsub.RejectInvalidSignature)
		}
		if len(i.byPeer) > invalidsMax || i.score("worst") > graylistBelow {
			t.Errorf("%d peers, the worst has %v", len(i.byPeer), i.score("worst"))
		}
	})
}
