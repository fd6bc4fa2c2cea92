package main

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain fails if a goroutine outlives the cities.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start runs the city until it says that it runs, stops it, and returns what it said
// before.
func start(t *testing.T, dir string, create ...string) (lines []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	reader, writer := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := run(ctx, dir, create, slog.New(slog.DiscardHandler), writer)
		_ = writer.Close() // always nil
		ended <- err
	}()
	for said := bufio.NewScanner(reader); said.Scan(); {
		if said.Text() == "gotham runs" {
			cancel()
			continue
		}
		lines = append(lines, said.Text())
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	return lines
}

func TestHeroesAreThereAfterARestart(t *testing.T) {
	dir := t.TempDir()
	start(t, dir, "Batman", "Robin")
	again := start(t, dir)
	slices.Sort(again)
	if want := []string{"Batman is in gotham", "Robin is in gotham"}; !slices.Equal(again, want) {
		t.Errorf("after a restart the city says %q, want %q", again, want)
	}
}
