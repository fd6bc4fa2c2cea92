package node

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/internal/membership"
	"github.com/citynode/citynode/protocol"
)

// forget has the member's own city forget, as its own program.
func (m *member) forget(t *testing.T, r protocol.ForgetRequest) (dropped [][]byte, err error) {
	t.Helper()
	err = m.tryCall(t, m.cfg.City.Name, func(ctx context.Context, c *protocol.Client) (err error) {
		dropped, err = c.Forget(ctx, r)
		return err
	})
	return dropped, err
}

func (m *member) savedPeers() (some []peer.ID) {
	for _, info := range m.saved.Peers() {
		some = append(some, info.ID)
	}
	return some
}

func TestAnAdminHasACityForgetWhatIsGoneUntilItSpeaksAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		cities := net.quietChain(t, "gotham", "metropolis", "paris")
		awaitAlive(t, cities...)
		gotham, paris := cities[0], cities[2]
		if _, err := gotham.forget(t, protocol.ForgetRequest{City: "paris"}); !errors.Is(err, protocol.ErrBadRequest) {
			t.Errorf("of one that lives: %v", err)
		}
		if dropped, err := gotham.forget(t, protocol.ForgetRequest{City: "rome"}); err != nil || len(dropped) != 0 {
			t.Errorf("of one that is not known: %v, %v", dropped, err)
		}
		caller := newStranger(t, net)
		caller.meets(t, gotham)
		if _, err := caller.client(t, gotham).Forget(t.Context(), protocol.ForgetRequest{City: "paris"}); !errors.Is(err, protocol.ErrForbidden) {
			t.Errorf("by a stranger: %v", err)
		}
		net.cut(paris)
		eventually(t, "paris has failed", func() bool { return gotham.status(t).Failed == 1 })
		if !slices.Contains(gotham.savedPeers(), paris.Peer()) {
			t.Error("paris is not saved")
		}
		dropped, err := gotham.forget(t, protocol.ForgetRequest{Peer: []byte(paris.Peer())})
		if err != nil || len(dropped) != 1 || string(dropped[0]) != string(paris.Peer()) {
			t.Errorf("forgot %v, %v", dropped, err)
		}
		if known := gotham.Cities(); len(known) != 1 || slices.Contains(gotham.savedPeers(), paris.Peer()) {
			t.Errorf("knows %v, saved %v", known, gotham.savedPeers())
		}
		time.Sleep(2 * time.Second)
		if got := gotham.status(t).Problems; len(got) != 0 {
			t.Errorf("problems %v", got)
		}
		net.heal()
		eventually(t, "paris is known again", func() bool { return gotham.status(t).Alive == 2 })
	})
}

// Two sites of which each is enough for itself have forgotten each other, as after three
// days. What they saved leads them together again.
func TestTwoSitesThatForgotEachOtherFindEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		// Nobody has a bootstrap peer of the other site: they met once, by chance.
		cities := append(net.quietChain(t, "a1", "a2"), net.quietChain(t, "b1", "b2")...)
		if _, err := net.ConnectPeers(cities[1].Peer(), cities[3].Peer()); err != nil {
			t.Fatal(err)
		}
		awaitAlive(t, cities...)
		net.cut(cities[2:]...)
		for _, m := range cities {
			eventually(t, "the other site has failed", func() bool { return m.status(t).Failed == 2 })
			m.directory.ForgetGone(func(membership.Entry) bool { return true })
		}
		time.Sleep(20 * time.Minute)
		for _, m := range cities {
			if known := m.Cities(); len(known) != 1 {
				t.Errorf("%s knows %v", m.cfg.City.Name, known)
			}
		}
		net.heal()
		within(t, time.Hour, "to find each other", func() { awaitAlive(t, cities...) })
	})
}
