//go:build linux

package hostile

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"testing"
	"time"
)

const (
	// mustEnv is the environment variable that must be 1 for the tests to run.
	mustEnv = "CITYNODE_HOSTILE"
	// roleEnv says what a process of this program is, and taskEnv what it is to do, as
	// JSON. A process without a role runs the tests.
	roleEnv, taskEnv = "CITYNODE_HOSTILE_ROLE", "CITYNODE_HOSTILE_TASK"
)

// The roles of processes.
const (
	roleTests  = "tests" // within the namespace
	roleCity   = "city"
	roleAttack = "attack"
)

// attackFor is how long each attack lasts, at least.
var attackFor = flag.Duration("hostile.for", 5*time.Second, "how long each attack lasts, at least")

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

// run does what the process is there for, and returns its exit code.
func run(m *testing.M) int {
	var err error
	switch role := os.Getenv(roleEnv); role {
	case "":
		if os.Getenv(mustEnv) != "1" {
			return m.Run() // they are skipped
		}
		return runInNamespace()
	case roleTests:
		if err = furnishNamespace(); err == nil {
			return m.Run()
		}
	case roleCity:
		err = asTold(runCity)
	case roleAttack:
		err = asTold(runAttack)
	default:
		err = fmt.Errorf("no role %q", role)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// asTold decodes the process's task, and does it.
func asTold[T any](do func(T) error) error {
	var task T
	if err := json.Unmarshal([]byte(os.Getenv(taskEnv)), &task); err != nil {
		return fmt.Errorf("read the task: %w", err)
	}
	return do(task)
}
