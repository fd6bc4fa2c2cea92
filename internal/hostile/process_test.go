//go:build linux

package hostile

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	// startMax is far beyond what a busy machine needs to start a process.
	startMax = time.Minute
	// endMax is how long a process may take to end after its stdin was closed.
	endMax = 15 * time.Second
	// logTold is how many of the last lines of a log a failed test shows.
	logTold = 40
)

// A process is another process of this program. It reads commands from its stdin, and
// ends when that is closed. It writes a line of JSON for each, and its log to stderr.
type process struct {
	name  string
	cmd   *exec.Cmd
	stdin io.WriteCloser
	lines chan []byte   // of its stdout
	ended chan struct{} // closed once err is set
	err   error

	mu  sync.Mutex // guards log
	log []string
}

// launch starts a process, which is ended with the test. It may have so many files open;
// 0 leaves that as it is.
func launch(t *testing.T, role, name string, task any, files int) *process {
	t.Helper()
	text, err := json.Marshal(task)
	if err != nil {
		t.Fatal(err)
	}
	p := &process{name: name, lines: make(chan []byte, 64), ended: make(chan struct{})}
	p.cmd = exec.Command("/proc/self/exe")
	if files > 0 {
		p.cmd = exec.Command("sh", "-c", "ulimit -n "+strconv.Itoa(files)+`; exec "$0"`, "/proc/"+strconv.Itoa(os.Getpid())+"/exe")
	}
	p.cmd.Env = append(os.Environ(), roleEnv+"="+role, taskEnv+"="+string(text))
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go p.follow(stdout, stderr)
	t.Cleanup(func() { p.cleanUp(t) })
	return p
}

// follow reads what the process writes, and waits for its end.
func (p *process) follow(stdout, stderr io.Reader) {
	var logged sync.WaitGroup
	logged.Go(func() {
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			p.mu.Lock()
			p.log = append(p.log, lines.Text())
			p.mu.Unlock()
		}
	})
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		p.lines <- append([]byte(nil), lines.Bytes()...)
	}
	logged.Wait()
	p.err = p.cmd.Wait()
	close(p.ended)
}

// read decodes the next line that the process writes.
func (p *process) read(t *testing.T, into any) {
	t.Helper()
	select {
	case line := <-p.lines:
		if err := json.Unmarshal(line, into); err != nil {
			t.Fatalf("%s wrote %q: %v", p.name, line, err)
		}
	case <-p.ended:
		t.Fatalf("%s has ended: %v", p.name, p.err)
	case <-time.After(atMost(startMax)):
		t.Fatalf("%s writes nothing within %v", p.name, atMost(startMax))
	}
}

// ask gives the process a command, and decodes its answer.
func (p *process) ask(t *testing.T, command string, into any) {
	t.Helper()
	if _, err := fmt.Fprintln(p.stdin, command); err != nil {
		t.Fatalf("tell %s: %v", p.name, err)
	}
	p.read(t, into)
}

// end closes the process's stdin and waits for its end.
func (p *process) end(t *testing.T) {
	t.Helper()
	_ = p.stdin.Close() // it may have ended
	for {
		select {
		case <-p.lines: // nobody waits for it
			continue
		case <-p.ended:
		case <-time.After(atMost(endMax)):
			_ = p.cmd.Process.Kill()
			t.Errorf("%s does not end within %v", p.name, atMost(endMax))
			<-p.ended
		}
		return
	}
}

func (p *process) cleanUp(t *testing.T) {
	p.end(t)
	if !t.Failed() {
		return
	}
	log := p.said("")
	for _, line := range log[max(0, len(log)-logTold):] {
		t.Logf("%s: %s", p.name, line)
	}
}

// said returns the lines of its log so far that have the text.
func (p *process) said(text string) (lines []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, line := range p.log {
		if strings.Contains(line, text) {
			lines = append(lines, line)
		}
	}
	return lines
}

// resident returns how much memory the process has, in bytes.
func (p *process) resident(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.cmd.Process.Pid))
	if err != nil {
		t.Fatalf("%s: %v", p.name, err)
	}
	fields := strings.Fields(string(text))
	pages, err := strconv.Atoi(fields[1])
	if err != nil {
		t.Fatalf("%s: %v", p.name, err)
	}
	return pages * os.Getpagesize()
}

// commands calls f for each line of stdin, and writes what it returns as a line of JSON.
func commands(f func(command string) any) error {
	out := json.NewEncoder(os.Stdout)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		if err := out.Encode(f(lines.Text())); err != nil {
			return err
		}
	}
	return nil
}
