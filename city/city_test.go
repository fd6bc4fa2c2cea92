package city

import (
	"testing"
	"time"

	"github.com/citynode/citynode/crdt"
)

func TestIncarnationsRiseThoughTheClockStandsOrIsSetBack(t *testing.T) {
	now := scriptStart
	c, err := New(Config{Name: "gotham", Replica: 1, PatrolEvery: Off, FightEvery: Off}, Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	var last crdt.Stamp
	for _, step := range []time.Duration{0, 0, -time.Hour, 2 * time.Hour} {
		now = now.Add(step)
		if _, err := c.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		inc, err := c.Current()
		if err != nil || inc.Number() <= last {
			t.Fatalf("incarnation %d after %d, %v", inc.Number(), last, err)
		}
		last = inc.Number()
	}
}
