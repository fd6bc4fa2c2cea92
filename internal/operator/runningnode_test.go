package operator

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestNodesThatRunAreListedAndOthersClearedAway(t *testing.T) {
	folder := t.TempDir()
	var listings []*Listing
	for _, city := range []string{"metropolis", "gotham"} {
		l, err := Publish(folder, RunningNode{Network: "main", City: city})
		if err != nil {
			t.Fatal(err)
		}
		listings = append(listings, l)
	}
	stale := filepath.Join(folder, "node-crashed.json")
	if err := os.WriteFile(stale, []byte("{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	nodes, err := RunningNodes(folder)
	if err != nil || len(nodes) != 2 || nodes[0].City != "gotham" || nodes[1].City != "metropolis" {
		t.Errorf("%+v, %v", nodes, err)
	}
	if _, err := os.Stat(stale); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file of a node that crashed: %v", err)
	}
	for _, l := range listings {
		l.Remove()
	}
	if nodes, err := RunningNodes(folder); err != nil || len(nodes) != 0 {
		t.Errorf("%+v, %v", nodes, err)
	}
}
