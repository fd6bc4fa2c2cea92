//go:build unix

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestScripts drives the binary through testdata/script. Each script has
// folders of its own, and nothing but loopback. The commands of the scripts
// are, beside those of testscript:
//
//	start NAME ARGS…        run citynode ARGS --json in the background, wait
//	                        for its first line; sets $NAME_addr and $NAME_peer
//	start NAME nohup ARGS…  likewise, as nohup runs it
//	startinto FILE NAME ARGS…
//	                        run citynode ARGS in the background, with its output
//	                        to that file of the system; waits for nothing
//	signal NAME SIGNAL      send TERM, INT, HUP, STOP, CONT or KILL
//	ends NAME CODE          wait for its end; its output is in NAME.out, NAME.err
//	leave NAME              signal NAME TERM, then ends NAME 0
//	code CODE ARGS…         run citynode ARGS, which must exit with that code
//	json PATH VALUE         the last output has that value at the path
//	jsonerr PATH VALUE      the last error output has
//	jsonenv VAR PATH        sets a variable from the last output
//	jsonlines FILE          each line of the file is an object of JSON
//	together N ARGS…        run citynode ARGS that many times at once; the
//	                        outputs, one a line, are the output
//	foe KIND VAR            start somebody who misbehaves; sets its address
//	terminal CODE ARGS…     run citynode ARGS on a terminal that closes once
//	                        something is written (Linux)
//	answer CODE TEXT ARGS…  run citynode ARGS on a terminal, where TEXT is typed
//	                        at [y/N]; what is shown is the output (Linux)
//	asks NAME ID ARGS…      run citynode ARGS NAME, and ARGS ID, in every way in which
//	                        it has to destroy nothing; what is shown is the
//	                        output (Linux)
//	seal FOLDER             remember all files in a folder, but for locks
//	sealed FOLDER           it is as it was remembered, byte by byte
//	sockets NAME            list the addresses of its sockets (Linux)
//	until TEXT ARGS…        run citynode ARGS again and again until its output has
//	                        TEXT, for 30 s at most
//	unread CODE ARGS…       run citynode ARGS into a pipe that closes after the
//	                        first line
func TestScripts(t *testing.T) {
	// Where the tests run under nohup, the cities that they start are not to.
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup:               setupScript,
		Cmds:                scriptCommands,
	})
}

// scriptCommands are the commands of scripts; a platform may have more.
var scriptCommands = map[string]func(*testscript.TestScript, bool, []string){
	"start":     startCommand,
	"startinto": startIntoCommand,
	"signal":    signalCommand,
	"ends":      endsCommand,
	"leave":     leaveCommand,
	"code":      codeCommand,
	"json":      jsonCommand,
	"jsonerr":   jsonerrCommand,
	"jsonenv":   jsonenvCommand,
	"jsonlines": jsonlinesCommand,
	"together":  togetherCommand,
	"foe":       foeCommand,
	"seal":      sealCommand,
	"sealed":    sealedCommand,
	"until":     untilCommand,
	"unread":    unreadCommand,
}

func setupScript(env *testscript.Env) error {
	for name, folder := range map[string]string{
		"HOME": "home", "XDG_CONFIG_HOME": "config", "XDG_STATE_HOME": "state", "XDG_RUNTIME_DIR": "run",
	} {
		dir := filepath.Join(env.WorkDir, folder)
		if err := os.Mkdir(dir, 0o700); err != nil {
			return err
		}
		env.Setenv(name, dir)
	}
	env.Setenv("CITYNODE_MDNS", "off")
	s := &script{runs: make(map[string]*run), sealed: make(map[string]map[string]string)}
	env.Values[scriptKey{}] = s
	env.Defer(s.close)
	return nil
}

type scriptKey struct{}

// A script is what the commands of one script keep.
type script struct {
	runs map[string]*run
	foes []func()
	// sealed are folders as they were, path to bytes.
	sealed map[string]map[string]string
}

func scriptOf(ts *testscript.TestScript) *script { return ts.Value(scriptKey{}).(*script) }

func (s *script) close() {
	for _, r := range s.runs {
		_ = r.cmd.Process.Kill()
		<-r.ended
	}
	for _, end := range s.foes {
		end()
	}
}

// command returns citynode in the script's environment.
func command(ts *testscript.TestScript, args []string) *exec.Cmd {
	path, err := exec.LookPath("citynode")
	ts.Check(err)
	cmd := exec.Command(path, args...)
	cmd.Dir = ts.MkAbs(".")
	for _, name := range []string{
		"HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "PATH", "TMPDIR",
		"CITYNODE_HOME", "CITYNODE_MDNS", "CITYNODE_NODE", "CITYNODE_BOOTSTRAP", "CITY_NAME", "GOCOVERDIR",
	} {
		if value := ts.Getenv(name); value != "" {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	return cmd
}

// codeCommand is exec with an exact exit code.
func codeCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: code CODE ARGS…")
	}
	begin := time.Now()
	err := ts.Exec("citynode", args[1:]...)
	ts.Logf("[%v]", time.Since(begin).Round(time.Millisecond))
	checkCode(ts, err, args[0])
}

func checkCode(ts *testscript.TestScript, err error, want string) {
	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(got) != want {
		ts.Fatalf("exit code %d, want %s", got, want)
	}
}

// untilCommand waits for what the output of a command comes to say.
func untilCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until TEXT ARGS…")
	}
	const most, pause = 30 * time.Second, 100 * time.Millisecond
	for late := time.After(most); ; {
		_ = ts.Exec("citynode", args[1:]...) // what it says matters, not how it ends
		if strings.Contains(ts.ReadFile("stdout"), args[0]) {
			return
		}
		select {
		case <-late:
			ts.Fatalf("not in %v", most)
		case <-time.After(pause):
		}
	}
}

// jsonCommand checks one value of the last output.
func jsonCommand(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: json PATH VALUE")
	}
	if got := jsonAt(ts, "stdout", args[0]); (got == args[1]) == neg {
		ts.Fatalf("%s is %s, want %s", args[0], got, args[1])
	}
}

func jsonenvCommand(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: jsonenv VAR PATH")
	}
	ts.Setenv(args[0], jsonAt(ts, "stdout", args[1]))
}

// jsonerrCommand checks one value of the last error.
func jsonerrCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: jsonerr PATH VALUE")
	}
	if got := jsonAt(ts, "stderr", args[0]); got != args[1] {
		ts.Fatalf("%s is %s, want %s", args[0], got, args[1])
	}
}

// jsonAt returns the value at a path such as 0.name of the last output or error; len is the length. What is not a
// string is given as JSON, what is not there as "absent".
func jsonAt(ts *testscript.TestScript, stream, path string) string {
	text := ts.ReadFile(stream)
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		ts.Fatalf("output is not JSON: %v", err)
	}
	for step := range strings.SplitSeq(path, ".") {
		next, ok := stepInto(value, step)
		if !ok {
			return "absent"
		}
		value = next
	}
	if s, ok := value.(string); ok {
		return s
	}
	b, err := json.Marshal(value)
	ts.Check(err)
	return string(b)
}

func jsonlinesCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: jsonlines FILE")
	}
	text := strings.TrimSuffix(ts.ReadFile(args[0]), "\n")
	for line := range strings.SplitSeq(text, "\n") {
		var object map[string]any
		if err := json.Unmarshal([]byte(line), &object); err != nil {
			ts.Fatalf("a line of %s is no object of JSON: %q", args[0], line)
		}
	}
}

func stepInto(value any, step string) (any, bool) {
	switch v := value.(type) {
	case map[string]any:
		if step == "len" {
			return len(v), true
		}
		next, ok := v[step]
		return next, ok
	case []any:
		if step == "len" {
			return len(v), true
		}
		i, err := strconv.Atoi(step)
		if err != nil || i >= len(v) {
			return nil, false
		}
		return v[i], true
	}
	return nil, false
}

// togetherCommand runs a command many times at once.
func togetherCommand(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: together N ARGS…")
	}
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	begin := time.Now()
	outputs, errs := make([][]byte, n), make([]error, n)
	var running sync.WaitGroup
	for i := range n {
		cmd := command(ts, args[1:])
		running.Go(func() { outputs[i], errs[i] = cmd.Output() })
	}
	running.Wait()
	ts.Logf("[%d in %v]", n, time.Since(begin).Round(time.Millisecond))
	for i, err := range errs {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			ts.Fatalf("%v: %s", err, exit.Stderr)
		}
		ts.Check(err)
		fmt.Fprintf(ts.Stdout(), "%s\n", strings.TrimSpace(string(outputs[i])))
	}
}
