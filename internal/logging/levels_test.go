package logging

import (
	"log/slog"
	"strings"
	"testing"
)

func newTestLevels() *Levels {
	return NewLevels(slog.LevelWarn, []string{"gossip", "city"}, map[string]slog.Level{"libp2p": Off})
}

func TestLevelsAreReadInTheirOrder(t *testing.T) {
	for _, row := range []struct {
		specs []string // one after another
		want  string
	}{
		{nil, "warn,libp2p=off"},
		{[]string{"info"}, "info,libp2p=off"},
		{[]string{"info,gossip=debug"}, "info,gossip=debug,libp2p=off"},
		{[]string{"gossip=debug,info"}, "info,libp2p=off"},
		{[]string{"gossip=debug", "city=error"}, "warn,city=error,gossip=debug,libp2p=off"},
		{[]string{"gossip=debug", "gossip=warn"}, "warn,libp2p=off"},
		{[]string{"libp2p=debug", "error"}, "error,libp2p=debug"},
		{[]string{" Info , gossip=OFF "}, "info,gossip=off,libp2p=off"},
	} {
		l := newTestLevels()
		for _, spec := range row.specs {
			if err := l.Apply(spec); err != nil {
				t.Errorf("%q: %v", spec, err)
			}
		}
		if got := l.String(); got != row.want {
			t.Errorf("after %q: %s, want %s", row.specs, got, row.want)
		}
		again := newTestLevels()
		if err := again.Apply(l.String()); err != nil || again.String() != l.String() {
			t.Errorf("%s is read as %s, %v", l, again, err)
		}
	}
}

func TestWithoutLibrariesThereAreLevelsToo(t *testing.T) {
	l := NewLevels(slog.LevelInfo, []string{"city"}, nil)
	if err := l.Apply("city=debug"); err != nil || l.String() != "info,city=debug" {
		t.Errorf("%s, %v", l, err)
	}
}

func TestAWrongItemChangesNothing(t *testing.T) {
	for spec, want := range map[string]string{
		"":                        "unknown level",
		"debug,":                  "unknown level",
		"loud":                    "debug, info, warn, error or off",
		"debug,gossip":            `unknown level "gossip"`,
		"debug,gossp=info":        `unknown component "gossp": there are city, gossip, libp2p`,
		"debug,gossip=":           "unknown level",
		strings.Repeat("x", 2000): "at most 1024",
	} {
		l := newTestLevels()
		err := l.Apply(spec)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v, want %q", spec, err, want)
		}
		if got := l.String(); got != "warn,libp2p=off" {
			t.Errorf("%.20q has made it %s", spec, got)
		}
	}
}
