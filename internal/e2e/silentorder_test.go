//go:build linux

package e2e

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// silentOrderMax is within what an order to a city that does not answer has to end, once the
// command has begun.
const silentOrderMax = 2 * time.Second

// An order to a city that is frozen ends once the others suspect it, and says whether it was
// sent; one to a city that failed ends in two seconds.
func TestAnOrderToASilentCityEndsWithWhatIsKnown(t *testing.T) {
	cities := startCities(t, newLab(t, 3))
	at, silent := cities[0], cities[2]
	at.create(t, "Batman")
	signal(t, silent, syscall.SIGSTOP)
	begun := time.Now()
	endsSilent(t, at, suspectMax+silentOrderMax, "hero", "create", "Robin", "--city", silent.name)
	notice(t, "frozen", cities, silent, "failed", begun, failedMax)
	endsSilent(t, at, silentOrderMax, "hero", "create", "Superman", "--city", silent.name)
	signal(t, silent, syscall.SIGCONT)
	notice(t, "thawed", cities, silent, "alive", begun.Add(failedMax), backMax+failedMax)
	at.ask(t, commandMax, new(struct{}), "hero", "create", "Catwoman", "--city", silent.name)
}

// endsSilent gives an order that must end with exit code 6, in time, and say why.
func endsSilent(t *testing.T, at *city, within time.Duration, args ...string) {
	t.Helper()
	begun := time.Now()
	cmd := at.host.Command(context.Background(), binary, append(args, "--json", "--network", "lab")...)
	out, err := cmd.CombinedOutput()
	took := time.Since(begun)
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || exit.ExitCode() != 6 || took > within+busy {
		t.Errorf("it ended with %v after %v, want code 6 within %v:\n%s", err, took, within, out)
	}
	text := string(out)
	if !strings.Contains(text, "suspect") && !strings.Contains(text, "has failed") {
		t.Errorf("it does not say what is known: %s", text)
	}
	t.Logf("after %v: %s", took.Round(time.Millisecond), strings.TrimSpace(text))
}
