package main

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// terminalCells is how wide the terminals of scripts are.
const terminalCells = 80

func init() {
	scriptCommands["terminal"] = terminalCommand
	scriptCommands["answer"] = answerCommand
	scriptCommands["asks"] = asksCommand
}

// asksCommand runs a command that destroys something in every way in which it has to
// destroy nothing. What the terminal shows where it is asked about the name is the output.
func asksCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: asks NAME ID COMMAND…")
	}
	name, id, words := args[0], args[1], args[2:]
	for _, way := range []struct {
		about          string
		json, in, errs bool // --json; whether standard input and error are terminals
		answer         string
		code           string
	}{
		{about: name, code: "2"},
		{about: name, json: true, code: "2"},
		{about: name, in: true, errs: true, json: true, answer: "y", code: "2"},
		{about: name, in: true, answer: "y", code: "2"},
		{about: name, errs: true, code: "2"},
		{about: id, in: true, errs: true, answer: "n", code: "1"},
		{about: name, in: true, errs: true, answer: "", code: "1"},
		{about: name, in: true, errs: true, answer: "yes", code: "1"},
		{about: name, in: true, errs: true, answer: "n", code: "1"},
	} {
		args := append(slices.Clone(words), way.about)
		if way.json {
			args = append(args, "--json")
		}
		ts.Logf("[%+v]", way)
		shown, stdout := onTerminal(ts, args, way.in, way.errs, way.answer, way.code)
		if asked := strings.Contains(shown, "[y/N]"); asked != (way.code == "1") || stdout != "" {
			ts.Fatalf("citynode %q shows %q and writes %q", args, shown, stdout)
		}
		if way.code == "1" && !strings.Contains(shown, id) {
			ts.Fatalf("the full id %s is not shown: %q", id, shown)
		}
		if way.about == name {
			fmt.Fprintln(ts.Stdout(), shown)
		}
	}
}

// onTerminal runs a command whose standard input, standard error, or both are a terminal,
// where an answer is typed. It returns what the terminal shows and what is written to
// standard output, which is none.
func onTerminal(ts *testscript.TestScript, args []string, in, errs bool, answer, code string) (shown, stdout string) {
	window, tty := openTerminal(ts)
	defer window.Close()
	cmd := command(ts, args)
	var out bytes.Buffer
	cmd.Stdout = &out
	if in {
		cmd.Stdin = tty
	}
	if errs {
		cmd.Stderr = tty
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	ts.Check(cmd.Start())
	ts.Check(tty.Close())
	shows := make(chan string, 1)
	go func() { shows <- readTerminal(window, answer) }()
	checkCode(ts, waitFor(ts, cmd), code)
	return <-shows, out.String()
}

// answerCommand runs a command on a pseudo-terminal of its own, whose person types an
// answer as soon as something is asked. What the terminal shows is the output.
func answerCommand(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 3 {
		ts.Fatalf("usage: answer CODE TEXT ARGS…")
	}
	window, tty := openTerminal(ts)
	defer window.Close()
	cmd := command(ts, args[2:])
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	ts.Check(cmd.Start())
	ts.Check(tty.Close())
	shown := make(chan string, 1)
	go func() { shown <- readTerminal(window, args[1]) }()
	err := waitFor(ts, cmd)
	fmt.Fprintln(ts.Stdout(), <-shown)
	checkCode(ts, err, args[0])
}

// readTerminal returns what is shown until the other end is closed, and answers the
// first question.
func readTerminal(window *os.File, answer string) string {
	var shown strings.Builder
	for buf, asked := make([]byte, 4096), false; ; {
		n, err := window.Read(buf)
		shown.Write(buf[:n])
		if err != nil { // Linux says EIO once the other end is closed
			return strings.ReplaceAll(shown.String(), "\r\n", "\n")
		}
		if !asked && strings.Contains(shown.String(), "[y/N]") {
			asked = true
			_, _ = window.WriteString(answer + "\n")
		}
	}
}

// terminalCommand runs a command on a pseudo-terminal of its own, and closes
// that once the command has written something: a window that a person closes.
func terminalCommand(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: terminal CODE ARGS…")
	}
	window, tty := openTerminal(ts)
	cmd := command(ts, args[1:])
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	ts.Check(cmd.Start())
	ts.Check(tty.Close())
	_, err := window.Read(make([]byte, 1024))
	ts.Check(err)
	ts.Check(window.Close())
	checkCode(ts, waitFor(ts, cmd), args[0])
}

// openTerminal opens both ends of a pseudo-terminal.
func openTerminal(ts *testscript.TestScript) (window, tty *os.File) {
	window, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	ts.Check(err)
	ts.Check(unix.IoctlSetPointerInt(int(window.Fd()), unix.TIOCSPTLCK, 0))
	ts.Check(unix.IoctlSetWinsize(int(window.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 25, Col: terminalCells}))
	n, err := unix.IoctlGetInt(int(window.Fd()), unix.TIOCGPTN)
	ts.Check(err)
	tty, err = os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
	ts.Check(err)
	return window, tty
}
