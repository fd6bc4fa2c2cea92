package durable

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/store"
)

// day is a day of 2030, long after crdt.EarliestSet.
func day(n int) crdt.Stamp { return crdt.StampAt(time.Date(2030, 1, n, 0, 0, 0, 0, time.UTC)) }

func mustOpenFacts(t *testing.T, dir string) *Facts {
	t.Helper()
	f, err := OpenFacts(dir, "main", "gotham")
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestSinceIsTakenOnceAndKept(t *testing.T) {
	dir := t.TempDir()
	f := mustOpenFacts(t, dir)
	if f.Since() != 0 {
		t.Errorf("a new city has since %v", f.Since())
	}
	for n := 1; n <= 2; n++ {
		if err := f.Claim(day(n)); err != nil {
			t.Fatal(err)
		}
	}
	if got := mustOpenFacts(t, dir).Since(); f.Since() != day(1) || got != day(1) {
		t.Errorf("since %v, after a restart %v, want %v", f.Since(), got, day(1))
	}
}

func TestAnEphemeralCityThatIsGivenAStoreKeepsItsName(t *testing.T) {
	ephemeral := mustOpenFacts(t, t.TempDir())
	if err := ephemeral.Claim(day(1)); err != nil {
		t.Fatal(err)
	}
	before, err := ephemeral.NextIncarnation(day(5))
	if err != nil {
		t.Fatal(err)
	}
	var place store.Memory
	s, err := place.Open(store.Config{Identity: store.Identity{City: "gotham", Network: "main", Peer: "a peer"}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	f := StoredFacts(s, "gotham", ephemeral)
	if err := f.Claim(day(3)); err != nil {
		t.Fatal(err)
	}
	next, err := f.NextIncarnation(day(2)) // by a clock that was set back
	if err != nil || f.Since() != day(1) || next <= before {
		t.Errorf("since %v, incarnation %d after %d, %v", f.Since(), next, before, err)
	}
	if again := StoredFacts(s, "gotham", nil); again.Since() != day(1) || again.Incarnation() != next {
		t.Errorf("the store has since %v, incarnation %d", again.Since(), again.Incarnation())
	}
}

func TestIncarnationsRiseWhateverTheClockSays(t *testing.T) {
	dir := t.TempDir()
	var last crdt.Stamp
	for _, clock := range []crdt.Stamp{day(2), day(2), day(1), day(3)} {
		next, err := mustOpenFacts(t, dir).NextIncarnation(clock)
		if err != nil {
			t.Fatal(err)
		}
		if next <= last || next < clock {
			t.Errorf("incarnation %d at %d, after %d", next, clock, last)
		}
		last = next
	}
	if got := mustOpenFacts(t, dir).Incarnation(); got != last {
		t.Errorf("kept %d, want %d", got, last)
	}
}

func TestASinceBefore2025CountsAsNever(t *testing.T) {
	dir := t.TempDir()
	if err := mustOpenFacts(t, dir).Claim(crdt.StampAt(time.Unix(0, 0))); err != nil {
		t.Fatal(err)
	}
	f := mustOpenFacts(t, dir)
	if f.Since() != 0 {
		t.Errorf("since %v", f.Since().Time())
	}
	if err := f.Claim(day(1)); err != nil || f.Since() != day(1) {
		t.Errorf("since %v, %v, want %v", f.Since(), err, day(1))
	}
}

func TestWithoutAFolderNothingIsWritten(t *testing.T) {
	t.Chdir(t.TempDir())
	f := mustOpenFacts(t, "")
	if err := f.Claim(day(1)); err != nil || f.Since() != day(1) {
		t.Errorf("since %v, %v", f.Since(), err)
	}
	if files, err := os.ReadDir("."); len(files) > 0 || err != nil {
		t.Errorf("written: %v, %v", files, err)
	}
}

func TestADamagedOrForeignStateIsRefusedByName(t *testing.T) {
	for text, want := range map[string]string{
		`{"city":"goth`: "damaged",
		`{"city":"metropolis","since":1,"incarnation":1}`: `"metropolis"`,
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, FactsFile)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenFacts(dir, "main", "gotham"); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, want %s and the path", text, err, want)
		}
	}
}

func TestAStateThatCannotBeWrittenIsAnErrorAndLeavesTheOldOne(t *testing.T) {
	dir := t.TempDir()
	f := mustOpenFacts(t, dir)
	if err := f.Claim(day(1)); err != nil {
		t.Fatal(err)
	}
	gone := filepath.Join(dir, "gone")
	if _, err := mustOpenFacts(t, gone).NextIncarnation(day(1)); err == nil {
		t.Error("a folder that is not there was written to")
	}
	f.keep = func(c cityFacts) error { return writeFacts(filepath.Join(gone, FactsFile), c) }
	if err := f.change(func(c *cityFacts) { c.Since = day(2) }); err == nil {
		t.Error("no error")
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 || mustOpenFacts(t, dir).Since() != day(1) {
		t.Errorf("files %v, since %v", files, mustOpenFacts(t, dir).Since())
	}
}
