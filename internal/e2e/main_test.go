//go:build linux

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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
	path := filepath.Join(dir, "citynode")
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-ldflags", "-X main.clockFile="+clockFile, "-o", path, program).CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build %s: %v\n%s", program, err, out)
		return 1
	}
	binary = path
	return m.Run()
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
