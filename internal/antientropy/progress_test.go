package antientropy

import (
	"log/slog"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/reconcile"
)

func TestTheProgressOfATransferIsForgottenAtItsEnd(t *testing.T) {
	f := &follower{log: slog.New(slog.DiscardHandler), name: func(peer.ID) string { return "gotham" }, tell: func(Progress) {}}
	coming := reconcile.Result{Bulk: true, EntriesIn: 10, Peer: reconcile.Hello{Summary: crdt.Summary{Heroes: 30, Tombstones: 2}}}
	f.note("g", coming)
	if got, want := f.progress(), (Progress{City: "gotham", Peer: "g", Entries: 10, Of: 32}); got == nil || *got != want {
		t.Errorf("progress %+v, want %+v", got, want)
	}
	if f.over("other"); f.progress() == nil {
		t.Error("the end of another session ended it")
	}
	if f.over("g"); f.progress() != nil {
		t.Error("it is running still")
	}
}
