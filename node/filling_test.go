package node

import (
	"errors"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/internal/logging"
	"github.com/citynode/citynode/internal/store"
	"github.com/citynode/citynode/protocol"
)

// everyCall has a call of each method, on the hero of that id.
func everyCall(t *testing.T, id crdt.ID) map[string]func(*protocol.Client) error {
	t.Helper()
	ctx, entries := t.Context(), func(crdt.Entries) error { return nil }
	return map[string]func(*protocol.Client) error{
		protocol.MethodGet: func(c *protocol.Client) error {
			_, err := c.Get(ctx, protocol.GetRequest{}, entries)
			return err
		},
		protocol.MethodCreate: func(c *protocol.Client) error {
			_, err := c.Create(ctx, newID(), protocol.CreateRequest{Name: "Robin"})
			return err
		},
		protocol.MethodAssign: func(c *protocol.Client) error {
			_, err := c.Assign(ctx, newID(), protocol.AssignRequest{Hero: id})
			return err
		},
		protocol.MethodRetire: func(c *protocol.Client) error {
			_, err := c.Retire(ctx, newID(), protocol.RetireRequest{Hero: id})
			return err
		},
		protocol.MethodUpdate: func(c *protocol.Client) error {
			_, err := c.Update(ctx, inventedHeroes(1))
			return err
		},
		protocol.MethodWatch: func(c *protocol.Client) error {
			return c.Watch(ctx, protocol.WatchRequest{}, func(crdt.Summary) error { return errors.New("it is live") }, entries)
		},
		protocol.MethodInfo:   func(c *protocol.Client) error { _, err := c.Info(ctx); return err },
		protocol.MethodLookup: func(c *protocol.Client) error { _, err := c.Lookup(ctx, "gotham"); return err },
		protocol.MethodCities: func(c *protocol.Client) error { _, err := c.Cities(ctx); return err },
		protocol.MethodSettle: func(c *protocol.Client) error {
			return c.Settle(ctx, func(protocol.SettleLine) error { return nil })
		},
		protocol.MethodProblems: func(c *protocol.Client) error { _, err := c.Problems(ctx); return err },
		protocol.MethodForget: func(c *protocol.Client) error {
			_, err := c.Forget(ctx, protocol.ForgetRequest{City: "atlantis"})
			return err
		},
		protocol.MethodExport: func(c *protocol.Client) error {
			return c.Export(ctx, func(protocol.ExportCut) error { return nil }, entries)
		},
		protocol.MethodLog: func(c *protocol.Client) error { _, err := c.Log(ctx, protocol.LogRequest{}); return err },
		// The last one, for it ends the city where it is answered.
		protocol.MethodBomb: func(c *protocol.Client) error { return c.Bomb(ctx) },
	}
}

// methodsOfTheWire are those that the table of methods in docs/wire has.
func methodsOfTheWire(t *testing.T) (names []string) {
	t.Helper()
	page, err := os.ReadFile("../docs/wire/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "| method |")
	table, _, _ = strings.Cut(table, "\n\n")
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z]+)` ").FindAllStringSubmatch(table, -1) {
		names = append(names, row[1])
	}
	slices.Sort(names)
	return names
}

// While a city reads its store, it answers what does not need its state, and nothing else.
func TestACityThatIsNotFilledAnswersWhatNeedsNoState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net, place := newMockNet(t), new(store.Memory)
		gotham := net.start(t, stored(t, place, quiet("gotham")))
		awaitReady(t, gotham)
		batman := gotham.create(t, "Batman")
		gotham.killed(t, place)

		operator := newStranger(t, net)
		cfg := net.config(stored(t, place, quiet("gotham")))
		cfg.Admins = append(cfg.Admins, operator.ID())
		cfg.LogLevels = logging.NewLevels(0, LogComponents(), nil)
		reading, filled := make(chan struct{}), make(chan struct{})
		cfg.Events.Filled = func(FillProgress) {
			close(reading)
			<-filled
		}
		again := start(t, cfg)
		release := func() { close(filled) }
		t.Cleanup(func() { // also where the test has failed before
			if release != nil {
				release()
			}
		})
		eventually(t, "the store is being read", func() bool {
			select {
			case <-reading:
				return true
			default:
				return false
			}
		})
		operator.meets(t, again)
		client := operator.client(t, again)

		calls := everyCall(t, batman.ID)
		if got, want := slices.Sorted(maps.Keys(calls)), methodsOfTheWire(t); !slices.Equal(got, want) {
			t.Fatalf("called are %v, the wire has %v", got, want)
		}
		stateless := []string{
			protocol.MethodInfo, protocol.MethodCities, protocol.MethodLookup, protocol.MethodSettle,
			protocol.MethodProblems, protocol.MethodForget, protocol.MethodLog,
		}
		for _, method := range slices.Sorted(maps.Keys(calls)) {
			var want error
			if !slices.Contains(stateless, method) {
				want = protocol.ErrUnavailable
			}
			c := client
			if method == protocol.MethodWatch { // it is the last of its stream
				c = operator.client(t, again)
			}
			if err := calls[method](c); !errors.Is(err, want) {
				t.Errorf("%s: %v, want %v", method, err, want)
			}
		}

		release()
		release = nil
		awaitReady(t, again)
		if got := again.record(t, batman.ID).Hero; got != batman {
			t.Errorf("then it holds %+v, want %+v", got, batman)
		}
	})
}
