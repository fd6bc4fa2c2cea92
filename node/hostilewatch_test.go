package node

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/protocol"
)

// Callers that watch and never read cannot take all watches: an honest one has its own,
// and is told of what happens.
func TestWatchesThatAreNeverReadKeepNobodyFromWatching(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		gotham := net.start(t, quiet("gotham"))
		awaitReady(t, gotham)
		for range 6 {
			foe := newStranger(t, net)
			foe.meets(t, gotham)
			for range 100 {
				request, err := protocol.Marshal(protocol.Request{Method: protocol.MethodWatch, ID: newID(), Body: []byte{0xa0}})
				if err != nil {
					t.Fatal(err)
				}
				if err := protocol.WriteFrame(foe.callStream(t, gotham), request); err != nil {
					t.Fatal(err)
				}
			}
		}
		time.Sleep(time.Second)
		honest := newStranger(t, net)
		honest.meets(t, gotham)
		ctx, cancel := context.WithTimeout(t.Context(), waitMax)
		defer cancel()
		told := errors.New("told")
		err := honest.client(t, gotham).Watch(ctx, protocol.WatchRequest{}, func(crdt.Summary) error {
			gotham.create(t, "Batman")
			return nil
		}, func(crdt.Entries) error { return told })
		if !errors.Is(err, told) {
			t.Errorf("an honest watch: %v", err)
		}
	})
}
