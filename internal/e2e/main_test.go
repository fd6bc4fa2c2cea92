//go:build linux

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/citynode/citynode/internal/netlab"
)

const (
	program = "github.com/citynode/citynode/cmd/citynode"
	// clockFile is the file, in the folder of a host, that sets its cities' clocks
	// ahead or back.
	clockFile = "clock"
)

// binary is the path of the citynode under test; it is empty where the tests
// are skipped.
var binary string

func TestMain(m *testing.M) { os.Exit(run(m)) }

// run builds the program once, for all tests.
func run(m *testing.M) int {
	if os.Getenv(netlab.MustEnv) != "1" {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "citynode-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if binary, err = build(dir, "-ldflags", "-X main.clockFile="+clockFile); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// build builds the program in a folder, and returns its path.
func build(dir string, flags ...string) (path string, err error) {
	path = filepath.Join(dir, "citynode")
	args := slices.Concat([]string{"build", "-buildvcs=false", "-o", path}, flags, []string{program})
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", program, err, out)
	}
	return path, nil
}

// newLab makes a lab, or skips the test.
func newLab(t *testing.T, hosts int) *netlab.Lab {
	t.Helper()
	if binary == "" {
		t.Skipf("it takes minutes: set %s=1, as make e2e does", netlab.MustEnv)
	}
	t.Parallel()
	return netlab.New(t, netlab.Config{Hosts: hosts, Seed: 1})
}
