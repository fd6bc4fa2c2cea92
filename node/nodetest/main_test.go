package nodetest

import (
	"runtime"
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails the package if a goroutine outlives the cluster that began it.
func TestMain(m *testing.M) {
	if raceEnabled {
		runtime.GOMAXPROCS(1) // a bubble deadlocks under the race detector else: golang/go#78156
	}
	goleak.VerifyTestMain(m)
}
