package logging

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

func TestEachComponentIsLoggedAtItsLevelWhichMayChange(t *testing.T) {
	levels, text := newTestLevels(), new(bytes.Buffer)
	log := slog.New(NewHandler(levels, "city", slog.NewTextHandler(text, &slog.HandlerOptions{Level: slog.LevelDebug})))
	gossip := log.With(ComponentKey, "gossip").With("peer", "p").WithGroup("g")
	told := func() string {
		text.Reset()
		for name, l := range map[string]*slog.Logger{"city": log, "gossip": gossip, "libp2p": log.With(ComponentKey, "libp2p")} {
			l.Debug(name + "-debug")
			l.Error(name + "-error")
		}
		return text.String()
	}
	for _, step := range []struct {
		spec string
		want map[string]bool
	}{
		{"warn", map[string]bool{"city-debug": false, "city-error": true, "gossip-debug": false, "gossip-error": true, "libp2p-error": false}},
		{"gossip=debug", map[string]bool{"city-debug": false, "gossip-debug": true, "libp2p-error": false}},
		{"off,libp2p=error", map[string]bool{"city-error": false, "gossip-error": false, "libp2p-error": true, "libp2p-debug": false}},
	} {
		if err := levels.Apply(step.spec); err != nil {
			t.Fatal(err)
		}
		got := told()
		for line, want := range step.want {
			if strings.Contains(got, line) != want {
				t.Errorf("after %s, %s is logged: %t, in\n%s", step.spec, line, !want, got)
			}
		}
	}
}
