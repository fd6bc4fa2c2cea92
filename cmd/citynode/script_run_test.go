//go:build unix

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// runDeadline bounds every wait of a script for a process: far beyond what a
// busy machine needs, and well within the time of a test.
const runDeadline = 60 * time.Second

// A run is a citynode in the background.
type run struct {
	cmd   *exec.Cmd
	ready chan readyJSON // the first line
	ended chan struct{}  // closed when err is set
	err   error
}

// startCommand starts a city and waits until it is ready.
func startCommand(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: start NAME ARGS…")
	}
	name := args[0]
	cmd := command(ts, append(args[1:], "--json"))
	if args[1] == "nohup" {
		cmd = underNohup(ts, append(args[2:], "--json"))
	}
	stdout, err := cmd.StdoutPipe()
	ts.Check(err)
	out, err := os.Create(ts.MkAbs(name + ".out"))
	ts.Check(err)
	cmd.Stderr, err = os.Create(ts.MkAbs(name + ".err"))
	ts.Check(err)
	begin := time.Now()
	ts.Check(cmd.Start())
	r := &run{cmd: cmd, ready: make(chan readyJSON, 1), ended: make(chan struct{})}
	scriptOf(ts).runs[name] = r
	go r.follow(stdout, out)
	select {
	case line := <-r.ready:
		ts.Logf("[ready after %v]", time.Since(begin).Round(time.Millisecond))
		ts.Setenv(name+"_peer", line.Peer)
		ts.Setenv(name+"_addr", line.Addrs[0])
	case <-r.ended:
		ts.Fatalf("%s has ended: %v\n%s", name, r.err, ts.ReadFile(name+".err"))
	case <-time.After(runDeadline):
		ts.Fatalf("%s is not ready", name)
	}
}

// underNohup returns citynode as nohup runs it: with hang-ups ignored.
func underNohup(ts *testscript.TestScript, args []string) *exec.Cmd {
	cmd := command(ts, args)
	path, err := exec.LookPath("nohup")
	ts.Check(err)
	cmd.Args = append([]string{"nohup", cmd.Path}, args...)
	cmd.Path = path
	return cmd
}

// startIntoCommand starts a city whose output goes to a file of this system, and waits for
// nothing.
func startIntoCommand(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 3 {
		ts.Fatalf("usage: startinto FILE NAME ARGS…")
	}
	name := args[1]
	cmd := command(ts, args[2:])
	out, err := os.OpenFile(args[0], os.O_WRONLY, 0)
	ts.Check(err)
	defer out.Close()
	stderr, err := os.Create(ts.MkAbs(name + ".err"))
	ts.Check(err)
	defer stderr.Close()
	cmd.Stdout, cmd.Stderr = out, stderr
	ts.Check(cmd.Start())
	r := &run{cmd: cmd, ended: make(chan struct{})}
	scriptOf(ts).runs[name] = r
	go func() {
		r.err = cmd.Wait()
		close(r.ended)
	}()
}

// follow keeps what the process writes, gives the first line, and waits for
// the end.
func (r *run) follow(stdout io.Reader, out *os.File) {
	defer out.Close()
	lines := bufio.NewScanner(stdout)
	for first := true; lines.Scan(); first = false {
		fmt.Fprintln(out, lines.Text())
		if first {
			var line readyJSON
			if err := json.Unmarshal(lines.Bytes(), &line); err == nil && line.Event == "ready" && len(line.Addrs) > 0 {
				r.ready <- line
			}
		}
	}
	r.err = r.cmd.Wait()
	close(r.ended)
}

func runOf(ts *testscript.TestScript, name string) *run {
	r, ok := scriptOf(ts).runs[name]
	if !ok {
		ts.Fatalf("%s was not started", name)
	}
	return r
}

func signalCommand(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: signal NAME SIGNAL")
	}
	signals := map[string]syscall.Signal{
		"TERM": syscall.SIGTERM, "INT": syscall.SIGINT, "HUP": syscall.SIGHUP,
		"KILL": syscall.SIGKILL, "STOP": syscall.SIGSTOP, "CONT": syscall.SIGCONT,
	}
	s, ok := signals[args[1]]
	if !ok {
		ts.Fatalf("unknown signal %s", args[1])
	}
	ts.Check(runOf(ts, args[0]).cmd.Process.Signal(s))
}

func endsCommand(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: ends NAME CODE")
	}
	r := runOf(ts, args[0])
	begin := time.Now()
	select {
	case <-r.ended:
	case <-time.After(runDeadline):
		ts.Fatalf("%s does not end", args[0])
	}
	ts.Logf("[ended after %v]", time.Since(begin).Round(time.Millisecond))
	delete(scriptOf(ts).runs, args[0])
	checkCode(ts, r.err, args[1])
}

func leaveCommand(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: leave NAME")
	}
	signalCommand(ts, false, []string{args[0], "TERM"})
	endsCommand(ts, false, []string{args[0], "0"})
}

// unreadCommand runs a command whose reader goes away after the first line.
func unreadCommand(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: unread CODE ARGS…")
	}
	cmd := command(ts, args[1:])
	stdout, err := cmd.StdoutPipe()
	ts.Check(err)
	cmd.Stderr = ts.Stderr()
	ts.Check(cmd.Start())
	_, err = bufio.NewReader(stdout).ReadString('\n')
	ts.Check(err)
	ts.Check(stdout.Close())
	checkCode(ts, waitFor(ts, cmd), args[0])
}

// waitFor waits for a process, within runDeadline.
func waitFor(ts *testscript.TestScript, cmd *exec.Cmd) error {
	kill := time.AfterFunc(runDeadline, func() { _ = cmd.Process.Kill() })
	err := cmd.Wait()
	if !kill.Stop() {
		ts.Fatalf("%s does not end", cmd)
	}
	return err
}
