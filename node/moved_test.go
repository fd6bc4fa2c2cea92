package node

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/citynode/citynode/protocol"
)

// A city's machine has burned down; its folder goes to another, with another
// address. Packets to the old one are lost, not refused.
func TestACityThatHasMovedIsFoundAtItsNewAddress(t *testing.T) {
	for fact, forget := range map[string]bool{"by who knows it at the old one": false, "by who must ask the DHT": true} {
		t.Run(fact, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				net := newSimNet(t)
				metropolis := net.start(t, quiet("metropolis"))
				star := net.start(t, quiet("star"), metropolis)
				home := quiet("gotham")
				home.Identity, home.DataDir, home.Ephemeral = newKey(t), t.TempDir(), true
				before := net.start(t, home, metropolis)
				awaitReady(t, metropolis, star, before)
				awaitAlive(t, metropolis, star, before)
				time.Sleep(10 * time.Second) // its name is provided
				net.cut(before.host)
				before.leave(t)
				after := net.start(t, home, metropolis)
				awaitReady(t, after)
				if forget {
					star.forgetCities()
				}
				begun := time.Now()
				found, err := star.Lookup(t.Context(), "gotham")
				if err != nil || found.ID != after.Peer() || !slices.ContainsFunc(found.Addrs, func(a ma.Multiaddr) bool {
					return a.Equal(after.host.Addrs()[0])
				}) {
					t.Fatalf("found %v, %v after %v, want %v", found, err, time.Since(begun), after.host.Addrs())
				}
				star.call(t, "gotham", func(ctx context.Context, client *protocol.Client) error {
					_, err := client.Info(ctx)
					return err
				})
				if took := time.Since(begun); took > 500*time.Millisecond {
					t.Errorf("it took %v", took)
				} else {
					t.Logf("it took %v", took)
				}
			})
		})
	}
}
