//go:build linux

package netlab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// namespacePrefix and the maker's process ID begin the name of each namespace, so
	// that other processes can tell when nobody needs it any more.
	namespacePrefix = "netlab-"
	// namespaceFolder is where ip keeps namespaces by name.
	namespaceFolder = "/run/netns"
	// ipTimeout is far beyond what ip takes.
	ipTimeout = 30 * time.Second
	// killTimeout bounds the wait for processes that were killed to be gone.
	killTimeout = 10 * time.Second
	// killEvery is the pause between two checks of whether they are gone.
	killEvery = 5 * time.Millisecond
)

// A namespace is the name of a network namespace.
type namespace string

// ip runs the ip command with that standard input.
func ip(stdin string, args ...string) (stdout []byte, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), ipTimeout)
	defer cancel()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, "ip", args...)
	cmd.Stdin, cmd.Stderr = strings.NewReader(stdin), &stderr
	stdout, err = cmd.Output()
	if err != nil {
		err = fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(stderr.Bytes()))
	}
	return stdout, err
}

func namespaceOf(pid int, name string) namespace {
	return namespace(fmt.Sprintf("%s%d-%s", namespacePrefix, pid, name))
}

// makeNamespace makes a namespace that belongs to this process. The process must not
// use name twice.
func makeNamespace(name string) (namespace, error) {
	ns := namespaceOf(os.Getpid(), name)
	_, err := ip("", "netns", "add", string(ns))
	return ns, err
}

// remove kills what runs in the namespace and removes it.
func (ns namespace) remove() error {
	if err := ns.killAll(); err != nil {
		return err
	}
	_, err := ip("", "netns", "del", string(ns))
	return err
}

// killAll kills the processes in the namespace and waits until each has ended. Their
// parents may still have to wait for them.
func (ns namespace) killAll() error {
	deadline := time.Now().Add(killTimeout)
	for {
		out, err := ip("", "netns", "pids", string(ns))
		if err != nil {
			return err
		}
		pids := strings.Fields(string(out))
		switch {
		case len(pids) == 0:
			return nil
		case time.Now().After(deadline):
			return fmt.Errorf("processes %v in %s do not end", pids, ns)
		}
		for _, text := range pids {
			if pid, err := strconv.Atoi(text); err == nil && pid != os.Getpid() {
				_ = unix.Kill(pid, unix.SIGKILL)
			}
		}
		<-time.After(killEvery)
	}
}

// do calls f on a thread that is in the namespace. The sockets and devices that f
// makes belong to the namespace, if f makes them in its own goroutine.
func (ns namespace) do(f func() error) error {
	done := make(chan error, 1)
	go func() { done <- ns.doHere(f) }()
	return <-done
}

// doHere calls f on the calling goroutine's thread. If the thread cannot leave the
// namespace again, it stays locked and ends with the goroutine.
func (ns namespace) doHere(f func() error) error {
	runtime.LockOSThread()
	home, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return err
	}
	defer home.Close()
	there, err := os.Open(filepath.Join(namespaceFolder, string(ns)))
	if err != nil {
		return err
	}
	defer there.Close()
	if err := unix.Setns(int(there.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("enter %s: %w", ns, err)
	}
	err = f()
	if back := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); back != nil {
		return errors.Join(err, fmt.Errorf("leave %s: %w", ns, back))
	}
	runtime.UnlockOSThread()
	return err
}

// sweep removes the namespaces of processes that are gone. It must run before this
// process makes a namespace, because it takes namespaces with this process's ID for
// those of an earlier process.
func sweep() error {
	paths, err := filepath.Glob(filepath.Join(namespaceFolder, namespacePrefix+"*"))
	if err != nil {
		return err
	}
	var errs []error
	for _, path := range paths {
		ns := namespace(filepath.Base(path))
		if !ns.abandoned() {
			continue
		}
		if err := ns.remove(); err != nil && exists(path) { // else another process was faster
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// abandoned reports whether the process that made the namespace is gone.
func (ns namespace) abandoned() bool {
	text, _, _ := strings.Cut(strings.TrimPrefix(string(ns), namespacePrefix), "-")
	pid, err := strconv.Atoi(text)
	switch {
	case err != nil:
		return false
	case pid == os.Getpid():
		return true
	}
	return errors.Is(unix.Kill(pid, 0), unix.ESRCH)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
