package demo

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/citynode/citynode/city"
)

func quiet() Config {
	return Config{
		Cities:   CitiesMin,
		Network:  "demo-test",
		Patience: time.Minute,
		Told:     func(Line) {},
		Changed:  func(city.SourcedChange) {},
		Status:   func(Status) {},
		Ended:    func(Summary) {},
	}
}

func TestAStoryThatIsInterruptedSaysInWhichAct(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c := quiet()
	c.Told = func(Line) { cancel() }
	c.Ended = func(Summary) { t.Error("it was told to its end") }
	err := Run(ctx, c)
	if broken, ok := errors.AsType[*StoryError](err); !ok || broken.Act == "" || !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestAnActThatTakesTooLongIsLate(t *testing.T) {
	c := quiet()
	c.Patience = time.Nanosecond
	if err := Run(t.Context(), c); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}
