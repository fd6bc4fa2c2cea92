//go:build linux && (amd64 || arm64)

package lossyfs

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
)

// mustEnv is the environment variable that decides about a test that cannot mount a
// disk. If it is 1 the test fails, otherwise the test is skipped.
const mustEnv = "CITYNODE_E2E"

// Need skips the test if no disk can be mounted here, and says why. If the environment
// has CITYNODE_E2E=1 it fails the test instead.
func Need(t testing.TB) {
	t.Helper()
	switch err := usable(); {
	case err == nil:
	case os.Getenv(mustEnv) == "1":
		t.Fatalf("%s=1, and no disk can be mounted: %v", mustEnv, err)
	default:
		t.Skipf("no disk can be mounted: %v", err)
	}
}

// usable returns why no disk can be mounted here, or nil. It tries once.
var usable = sync.OnceValue(func() error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("a mount needs root")
	}
	path, err := os.MkdirTemp("", "lossyfs-")
	if err != nil {
		return err
	}
	server, err := New(0).serve(path)
	if err == nil {
		err = unmount(server, path)
	}
	return errors.Join(err, os.Remove(path))
})
