package node

import (
	"errors"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/store"
	"github.com/citynode/citynode/protocol"
)

// ownWrite returns the next write of a rule of the program, that costs the hero a
// point of health.
func ownWrite(h crdt.Hero) city.Update {
	h.Health--
	h.Version.HLC = h.Version.HLC.Next()
	return city.Update{Entries: crdt.Entries{Heroes: []crdt.Hero{h}}, Source: city.SourceSelf}
}

func TestAnOwnRuleIsRefusedWhileTheStoreDoesNotWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var place store.Memory
		gotham := newMockNet(t).start(t, stored(t, &place, quiet("gotham")))
		awaitReady(t, gotham)
		hero := gotham.do(t, city.Create{Caller: orderer(newID()), HeroName: "Batman", Here: true}).Hero
		place.Fail(syscall.ENOSPC)
		wantRefused(t, gotham, ownWrite(hero), "no space left")
		wantRefused(t, gotham, ownWrite(gotham.record(t, hero.ID).Hero), "no space left") // and does not wait for the store
		place.Fail(nil)
		eventually(t, "the store works again", func() bool {
			_, err := gotham.city.Do(t.Context(), ownWrite(gotham.record(t, hero.ID).Hero))
			return err == nil
		})
	})
}

func TestAnOwnRuleIsRefusedWhileTheClockIsNotTrusted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gotham := newMockNet(t).start(t, quiet("gotham"))
		awaitReady(t, gotham)
		hero := gotham.do(t, city.Create{Caller: orderer(newID()), HeroName: "Batman", Here: true}).Hero
		gotham.do(t, city.Suspect{Reason: "the others are an hour ahead"})
		wantRefused(t, gotham, ownWrite(hero), "does not trust its own clock")
		if got := gotham.record(t, hero.ID).Hero; got != hero {
			t.Errorf("holds %+v, want %+v", got, hero)
		}
	})
}

// A caller forgets what was acknowledged; a neighbour still has what it sent.
func TestWhatACallerBringsIsRefusedWhileTheStoreDoesNotWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var place store.Memory
		net := newMockNet(t)
		gotham := net.start(t, stored(t, &place, quiet("gotham")))
		awaitReady(t, gotham)
		caller := newStranger(t, net)
		caller.meets(t, gotham)
		brought := crdt.Entries{Tombstones: []crdt.Tombstone{{ID: newID(), Version: crdt.Version{HLC: crdt.EarliestSet}}}}
		place.Fail(syscall.ENOSPC)
		wantRefused(t, gotham, city.Create{Caller: orderer(newID()), HeroName: "Batman", Here: true}, "no space left") // the city knows now
		reply, err := caller.client(t, gotham).Update(t.Context(), brought)
		if !errors.Is(err, protocol.ErrUnavailable) {
			t.Errorf("answered %+v, %v", reply, err)
		}
		place.Fail(nil)
	})
}
