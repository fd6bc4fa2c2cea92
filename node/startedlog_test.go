package node

import (
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/citynode/citynode/internal/store"
)

// lines keeps what a logger writes.
type lines struct {
	mu  sync.Mutex // guards all
	all strings.Builder
}

// Write keeps a line.
func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(b)
}

func (l *lines) have(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.all.String(), text)
}

func TestOnlyACityWithoutAStoreIsSaidToStartEmpty(t *testing.T) {
	for _, durable := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			var log lines
			cfg := quiet("gotham")
			cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
			if durable {
				cfg = stored(t, new(store.Memory), cfg)
			}
			awaitReady(t, newMockNet(t).start(t, cfg))
			if empty := log.have("city started empty"); empty == durable {
				t.Errorf("with a store %t: said to start empty %t", durable, empty)
			}
		})
	}
}
