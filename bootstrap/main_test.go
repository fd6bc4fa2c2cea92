package bootstrap

import (
	"os"
	"runtime"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if os.Getenv(mdnsHelperEnv) != "" {
		os.Exit(mdnsHelper())
	}
	if raceEnabled {
		runtime.GOMAXPROCS(1) // a bubble deadlocks under the race detector else: golang/go#78156
	}
	goleak.VerifyTestMain(m)
}
