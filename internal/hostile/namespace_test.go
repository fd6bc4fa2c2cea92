//go:build linux

package hostile

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// Addresses of the namespace. Each of these networks lies on the loopback device, with
// all its addresses, so any party may have any of them.
const (
	loopback   = "127.0.0.1"
	privateNet = "10.66"    // of a local network, 10.66.0.0/16
	publicNet  = "11.66.66" // libp2p takes those of documentation for private
)

// runInNamespace runs the tests in a network namespace of their own, and returns their
// exit code.
func runInNamespace() int {
	tests := exec.Command("/proc/self/exe", os.Args[1:]...)
	tests.Env = append(os.Environ(), roleEnv+"="+roleTests)
	tests.Stdout, tests.Stderr = os.Stdout, os.Stderr
	tests.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	err := tests.Run()
	exit, ended := errors.AsType[*exec.ExitError](err)
	switch {
	case err == nil:
		return 0
	case ended:
		return exit.ExitCode()
	}
	fmt.Fprintln(os.Stderr, "make a network namespace, which needs root:", err)
	return 1
}

// furnishNamespace switches the loopback device on, and gives it the addresses.
func furnishNamespace() error {
	script := "link set lo up\n" +
		"addr add " + privateNet + ".0.1/16 dev lo\n" +
		"addr add " + publicNet + ".1/24 dev lo\n"
	ip := exec.Command("ip", "-batch", "-")
	ip.Stdin = strings.NewReader(script)
	if out, err := ip.CombinedOutput(); err != nil {
		return fmt.Errorf("ip, of iproute2: %w: %s", err, out)
	}
	return nil
}

// needNamespace skips the test where there is none.
func needNamespace(t *testing.T) {
	t.Helper()
	if os.Getenv(roleEnv) != roleTests {
		t.Skipf("it takes minutes: set %s=1, as make hostile does", mustEnv)
	}
}
