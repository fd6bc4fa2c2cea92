package node

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/protocol"
)

// durableCity is a configuration of a city on loopback whose folder is dir.
func durableCity(name, dir string) Config {
	cfg := quiet(name)
	cfg.DataDir = dir
	return cfg
}

func TestACityWithAFolderIsThereAgainWithItsHeroes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "folder")
	first := prepare(t, durableCity("gotham", dir))
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- first.Run(ctx) }()
	if err := first.AwaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder: %v, %v", info.Mode(), err)
	}
	hero := first.create(t, "Batman")
	if _, err := New(durableCity("gotham", dir)); !errors.Is(err, ErrInUse) {
		t.Errorf("a second node on the folder: %v", err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	again := start(t, durableCity("gotham", dir))
	if err := again.AwaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	if again.Peer() != first.Peer() {
		t.Errorf("it is peer %s, was %s", again.Peer(), first.Peer())
	}
	if got := again.record(t, hero.ID); got.Kind != crdt.KindHero || got.Hero != hero {
		t.Errorf("it holds %+v", got)
	}
	if s := again.status(t); s.Store != protocol.StoreWorks {
		t.Errorf("its store is %q", s.Store)
	}
	again.leave(t)

	for fact, row := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"another city":    {func(c *Config) { c.City.Name = "metropolis" }, "gotham"},
		"another network": {func(c *Config) { c.Network = "other" }, "main"},
		"another key":     {func(c *Config) { c.Identity = newKey(t) }, "belongs to"},
	} {
		cfg := durableCity("gotham", dir)
		row.change(&cfg)
		n, err := New(cfg)
		if err == nil {
			_ = n.Close()
		}
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want %q", fact, err, row.want)
		}
	}
	n, err := New(durableCity("gotham", dir)) // what was refused has left no lock
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Close(); err != nil {
		t.Error(err)
	}
}

func TestAFolderThatCannotBeUsedFailsInNew(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, ephemeral := range []bool{false, true} {
		cfg := durableCity("gotham", filepath.Join(file, "in"))
		cfg.Ephemeral = ephemeral
		if n, err := New(cfg); err == nil {
			t.Errorf("ephemeral %t: made in a file", ephemeral)
			_ = n.Close()
		}
	}
}

func TestAnEphemeralCityKeepsItsKeyAndNoHeroes(t *testing.T) {
	cfg := durableCity("gotham", t.TempDir())
	cfg.Ephemeral = true
	first := start(t, cfg)
	awaitReady(t, first)
	first.create(t, "Batman")
	since := first.facts.Since()
	first.leave(t)
	again := start(t, cfg)
	awaitReady(t, again)
	if again.Peer() != first.Peer() || again.facts.Since() != since {
		t.Error("it has another key, or another since")
	}
	if s := again.status(t); s.Store != "" {
		t.Errorf("its store is %q", s.Store)
	}
	if got := again.summary(); got.Heroes != 0 {
		t.Errorf("it holds %v", got)
	}
}

func TestAFolderIsOfOneCityWhateverItStores(t *testing.T) {
	for _, first := range []bool{false, true} { // ephemeral
		for _, second := range []bool{false, true} {
			dir := t.TempDir()
			cfg := durableCity("gotham", dir)
			cfg.Ephemeral = first
			m := start(t, cfg)
			awaitReady(t, m)
			m.leave(t)
			for fact, change := range map[string]func(*Config){
				"another city":    func(c *Config) { c.City.Name = "metropolis" },
				"another network": func(c *Config) { c.Network = "other" },
			} {
				cfg := durableCity("gotham", dir)
				cfg.Ephemeral = second
				change(&cfg)
				if n, err := New(cfg); err == nil {
					t.Errorf("ephemeral %t, then %t: %s is let in", first, second, fact)
					_ = n.Close()
				}
			}
		}
	}
}
