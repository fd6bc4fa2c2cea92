package antientropy

import (
	"fmt"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/reconcile"
)

func TestABookmarkIsOfOneIncarnation(t *testing.T) {
	var m memory
	mark := reconcile.Bookmark{Incarnation: 7, Cursor: 5}
	m.ended("metropolis", 1, mark, reconcile.Result{}, 0)
	if got := m.options("metropolis", 1).Bookmark; got != mark {
		t.Errorf("bookmark %+v, want %+v", got, mark)
	}
	if got := m.options("star", 1).Bookmark; got.Cursor != 0 {
		t.Errorf("another peer's bookmark %+v", got)
	}
	if got := m.options("metropolis", 2).Bookmark; got.Cursor != 0 {
		t.Errorf("a new incarnation, which has nothing, goes on at %+v", got)
	}
}

func TestTheBookmarkOfATransferThatEndedIsDropped(t *testing.T) {
	var m memory
	m.ended("metropolis", 1, reconcile.Bookmark{Incarnation: 7, Cursor: 5}, reconcile.Result{}, 0)
	m.ended("metropolis", 1, reconcile.Bookmark{}, reconcile.Result{Complete: true}, 0)
	if got := m.options("metropolis", 1).Bookmark; got != (reconcile.Bookmark{}) {
		t.Errorf("bookmark %+v", got)
	}
}

func TestBookmarksAreBounded(t *testing.T) {
	var m memory
	for n := range 2 * bookmarksMax {
		m.ended(peer.ID(fmt.Sprint(n)), 1, reconcile.Bookmark{Incarnation: 7, Cursor: 5}, reconcile.Result{}, 0)
	}
	if len(m.bookmarks) != bookmarksMax {
		t.Errorf("%d bookmarks, want %d", len(m.bookmarks), bookmarksMax)
	}
}

func TestWhatIsNotDueIsRememberedWhereverItCameFrom(t *testing.T) {
	var m memory
	now := crdt.Stamp(1) << 40
	late := crdt.Hero{ID: crdt.ID{15: 1}, Name: "Batman", Location: "home", Health: 50}
	late.Version.HLC = now.Add(2 * crdt.FutureSkewMax)
	m.skip([]crdt.Hero{late}, now)
	m.ended("metropolis", 1, reconcile.Bookmark{}, reconcile.Result{Future: []crdt.Hero{late}}, now)
	if n := m.options("star", 1).Deferred.Len(); n != 1 {
		t.Errorf("%d heroes remembered, want 1", n)
	}
}
