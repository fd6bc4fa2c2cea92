//go:build linux

package netlab

import (
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"
)

// MustEnv is the environment variable that, where it is 1, makes a test fail
// that cannot have a lab, rather than be skipped.
const MustEnv = "CITYNODE_E2E"

// Need skips the test where no lab can be made here, and says why; where the
// environment has CITYNODE_E2E=1 it fails the test.
func Need(t testing.TB) {
	t.Helper()
	switch err := usable(); {
	case err == nil:
	case os.Getenv(MustEnv) == "1":
		t.Fatalf("%s=1, and there is no laboratory: %v", MustEnv, err)
	default:
		t.Skipf("no laboratory: %v", err)
	}
}

// usable makes the parts of a lab once, to see whether that is possible.
var usable = sync.OnceValue(func() error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("network namespaces need root")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		return fmt.Errorf("%w (it is in iproute2)", err)
	}
	if err := sweep(); err != nil {
		return fmt.Errorf("remove what earlier tests left: %w", err)
	}
	h, p, err := makeHost(0, 0)
	if err != nil {
		return err
	}
	_ = p.Close()
	return h.ns.remove()
})
