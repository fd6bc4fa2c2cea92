//go:build linux

package netlab

import (
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"
)

// MustEnv is the environment variable that decides about a test that cannot have a
// lab. If it is 1 the test fails, otherwise the test is skipped.
const MustEnv = "CITYNODE_E2E"

// Need skips the test if no lab can be made here, and says why. If the environment
// has CITYNODE_E2E=1 it fails the test instead.
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

// usable returns why no lab can be made here, or nil. It tries once to make the
// parts of one.
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
