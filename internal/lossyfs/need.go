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

// fuseEnv is the environment variable that leaves out all tests which mount a disk, if it is
// off: for whoever has no FUSE and runs the others. make e2e FUSE=off sets it.
const fuseEnv = "CITYNODE_E2E_FUSE"

// Need skips the test if no disk can be mounted here, and says why. If the environment
// has CITYNODE_E2E=1 it fails the test instead. With CITYNODE_E2E_FUSE=off it skips the
// test in any case.
func Need(t testing.TB) {
	t.Helper()
	if os.Getenv(fuseEnv) == "off" {
		t.Skipf("LEFT OUT: %s=off", fuseEnv)
	}
	switch err := usable(); {
	case err == nil:
	case os.Getenv(mustEnv) == "1":
		t.Fatalf("%s=1, and no disk can be mounted (%s=off leaves this test out): %v", mustEnv, fuseEnv, err)
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
