package node

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/citynode/citynode/crdt"
)

// day is a day of 2030, long after sinceMin.
func day(n int) crdt.Stamp { return crdt.StampAt(time.Date(2030, 1, n, 0, 0, 0, 0, time.UTC)) }

func mustOpenKept(t *testing.T, dir string) *kept {
	t.Helper()
	k, err := openKept(dir, "gotham")
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSinceIsTakenOnceAndKept(t *testing.T) {
	dir := t.TempDir()
	k := mustOpenKept(t, dir)
	if k.Since() != 0 {
		t.Errorf("a new city has since %v", k.Since())
	}
	for n := 1; n <= 2; n++ {
		if err := k.Claim(day(n)); err != nil {
			t.Fatal(err)
		}
	}
	if got := mustOpenKept(t, dir).Since(); k.Since() != day(1) || got != day(1) {
		t.Errorf("since %v, after a restart %v, want %v", k.Since(), got, day(1))
	}
}

func TestIncarnationsRiseWhateverTheClockSays(t *testing.T) {
	dir := t.TempDir()
	var last crdt.Stamp
	for _, clock := range []crdt.Stamp{day(2), day(2), day(1), day(3)} {
		next, err := mustOpenKept(t, dir).NextIncarnation(clock)
		if err != nil {
			t.Fatal(err)
		}
		if next <= last || next < clock {
			t.Errorf("incarnation %d at %d, after %d", next, clock, last)
		}
		last = next
	}
	if got := mustOpenKept(t, dir).Incarnation(); got != last {
		t.Errorf("kept %d, want %d", got, last)
	}
}

func TestASinceBefore2025CountsAsNever(t *testing.T) {
	dir := t.TempDir()
	if err := mustOpenKept(t, dir).Claim(crdt.StampAt(time.Unix(0, 0))); err != nil {
		t.Fatal(err)
	}
	k := mustOpenKept(t, dir)
	if k.Since() != 0 {
		t.Errorf("since %v", k.Since().Time())
	}
	if err := k.Claim(day(1)); err != nil || k.Since() != day(1) {
		t.Errorf("since %v, %v, want %v", k.Since(), err, day(1))
	}
}

func TestWithoutAFolderNothingIsWritten(t *testing.T) {
	t.Chdir(t.TempDir())
	k := mustOpenKept(t, "")
	if err := k.Claim(day(1)); err != nil || k.Since() != day(1) {
		t.Errorf("since %v, %v", k.Since(), err)
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
		path := filepath.Join(dir, keptFile)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := openKept(dir, "gotham"); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, want %s and the path", text, err, want)
		}
	}
}

func TestAStateThatCannotBeWrittenIsAnErrorAndLeavesTheOldOne(t *testing.T) {
	dir := t.TempDir()
	k := mustOpenKept(t, dir)
	if err := k.Claim(day(1)); err != nil {
		t.Fatal(err)
	}
	gone := filepath.Join(dir, "gone")
	if _, err := mustOpenKept(t, gone).NextIncarnation(day(1)); err == nil {
		t.Error("a folder that is not there was written to")
	}
	k.path = filepath.Join(gone, keptFile)
	if err := k.change(func(f *keptFacts) { f.Since = day(2) }); err == nil {
		t.Error("no error")
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 || mustOpenKept(t, dir).Since() != day(1) {
		t.Errorf("files %v, since %v", files, mustOpenKept(t, dir).Since())
	}
}
