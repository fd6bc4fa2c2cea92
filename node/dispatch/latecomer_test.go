package dispatch_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/node"
	"github.com/citynode/citynode/node/dispatch"
	"github.com/citynode/citynode/node/nodetest"
	"github.com/citynode/citynode/protocol"
)

// The follow is live before the other city is there, and the node that told of it ends.
func TestAFollowGoesOnAtACityThatCameLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cities := nodetest.New(t)
		gotham := cities.Start(nodetest.Quiet("gotham"))
		cities.AwaitReady()
		d, err := dispatch.Dial(t.Context(), dispatch.Config{Nodes: gotham.Addrs(), NewHost: cities.NewHost})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close() //nolint:errcheck // the follow has told
		lives := 0
		for update, err := range d.Follow(t.Context(), "") {
			switch {
			case err != nil:
				t.Fatalf("after %d lives: %v", lives, err)
			case update.Live && lives == 0:
				lives++
				metropolis := cities.Start(nodetest.Quiet("metropolis"))
				cities.AwaitAlive(gotham, metropolis)
				time.Sleep(10 * time.Second) // a follow asks more often which cities there are
				if err := gotham.Close(); err != nil {
					t.Error(err)
				}
				createIn(t, metropolis, "metropolis", "Superman")
			case update.Change.New.Hero.Name == "Superman":
				return
			}
		}
		t.Errorf("it was live %d times, and ended", lives)
	})
}

// createIn has a city create a hero.
func createIn(t *testing.T, n *node.Node, city, name string) {
	t.Helper()
	err := n.Call(t.Context(), city, func(client *protocol.Client) error {
		_, err := client.Create(t.Context(), crdt.ID(uuid.New()), protocol.CreateRequest{Name: name})
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
