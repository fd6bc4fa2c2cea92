package node

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/citynode/citynode/crdt"
)

// TestAPanicInACallbackEndsTheProgram runs itself as a program whose callback panics.
func TestAPanicInACallbackEndsTheProgram(t *testing.T) {
	const variable = "CITYNODE_TEST_PANIC"
	if os.Getenv(variable) != "" {
		cfg := Config{City: quiet("gotham").City}
		cfg.Events.Started = func(crdt.Stamp) { panic("a fault of the program") }
		n, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		_ = n.Run(t.Context())
		t.Fatal("the node goes on")
	}
	program := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestAPanicInACallbackEndsTheProgram$")
	program.Env = append(os.Environ(), variable+"=1")
	out, err := program.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "a callback of node.Events panicked: a fault of the program") {
		t.Errorf("ended with %v:\n%s", err, out)
	}
}
