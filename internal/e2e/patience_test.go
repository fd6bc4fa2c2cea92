//go:build linux

package e2e

import (
	"testing"
	"time"
)

// A command is told how long it may take; a city that cannot be reached in the
// first part of that time only is not one that does not exist.
func TestACallOutlivesACutThatIsShorterThanItsTimeout(t *testing.T) {
	lab := newLab(t, 3)
	cities := startCities(t, lab)
	const cut, patience = 25 * time.Second, time.Minute
	lab.Cut(lab.Hosts[0], lab.Hosts[1])
	heal := time.AfterFunc(cut, lab.Heal)
	defer heal.Stop()
	took := cities[0].ask(t, patience, new(struct{}), "get", cities[1].name)
	t.Logf("an answer after %v, over a cut of %v", took, cut)
}
