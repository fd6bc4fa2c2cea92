package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestAProgramThatIsToldNoClockFileGoesByTheMachinesClock(t *testing.T) {
	if clockFile != "" {
		t.Fatalf("it is told %q", clockFile)
	}
	if off := time.Since(clockBy("")()); off.Abs() > time.Minute {
		t.Errorf("the clock is %v off", off)
	}
}

func TestAClockFileSetsTheClockAheadAndBackWhileItRuns(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clock")
	clock := clockBy(file)
	for _, c := range []struct {
		text  string // "": no file
		ahead time.Duration
	}{{"", 0}, {"2h\n", 2 * time.Hour}, {"-490000h", -490000 * time.Hour}, {"later", 0}} {
		if c.text != "" {
			if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if off := time.Until(clock()) - c.ahead; off.Abs() > time.Minute {
			t.Errorf("with %q the clock is %v off", c.text, off)
		}
	}
}
