package protocol

import (
	"bufio"
	"errors"
	"testing"

	"github.com/citynode/citynode/crdt"
)

// answeredWith returns how the client has ended its stream to a city that answers a
// call with this frame, and the error of the call. What the client leaves open is
// closed.
func answeredWith(t *testing.T, payload []byte, call func(*Client) error) (ended string, err error) {
	t.Helper()
	end, city := newPipe(1 << 20)
	client := NewClient(end)
	go func() {
		if _, err := ReadFrame(bufio.NewReader(city), FrameBytesMax); err == nil {
			_ = WriteFrame(city, payload)
		}
	}()
	err = call(client)
	_ = client.Close() // always nil; it waits until the reader has let go of the stream
	return end.wasReleased(), err
}

// callOf returns a call of a method, which reads the bodies of its responses.
func callOf(t *testing.T, method string) func(*Client) error {
	ctx := t.Context()
	return map[string]func(*Client) error{
		MethodGet: func(c *Client) error {
			_, err := c.Get(ctx, GetRequest{}, func(crdt.Entries) error { return nil })
			return err
		},
		MethodCreate: func(c *Client) error { _, err := c.Create(ctx, crdt.ID{1}, CreateRequest{Name: "Ada"}); return err },
		MethodRetire: func(c *Client) error { _, err := c.Retire(ctx, crdt.ID{1}, RetireRequest{}); return err },
		MethodUpdate: func(c *Client) error { _, err := c.Update(ctx, crdt.Entries{}); return err },
		MethodWatch: func(c *Client) error {
			return c.Watch(ctx, WatchRequest{}, func(crdt.Summary) error { return nil }, func(crdt.Entries) error { return nil })
		},
		MethodInfo:   func(c *Client) error { _, err := c.Info(ctx); return err },
		MethodLookup: func(c *Client) error { _, err := c.Lookup(ctx, "rome"); return err },
		MethodCities: func(c *Client) error { _, err := c.Cities(ctx); return err },
		MethodSettle: func(c *Client) error { return c.Settle(ctx, func(SettleLine) error { return nil }) },
		MethodBomb:   func(c *Client) error { return c.Bomb(ctx) },
		MethodLog:    func(c *Client) error { _, err := c.Log(ctx, LogRequest{}); return err },

		MethodProblems: func(c *Client) error { _, err := c.Problems(ctx); return err },
		MethodExport: func(c *Client) error {
			return c.Export(ctx, func(ExportCut) error { return nil }, func(crdt.Entries) error { return nil })
		},
		MethodForget: func(c *Client) error { _, err := c.Forget(ctx, ForgetRequest{City: "rome"}); return err },
	}[method]
}

func TestAClientResetsTheStreamOverWhatIsNoResponse(t *testing.T) {
	checked := 0
	for _, v := range readVectors(t) {
		payload, method := unhex(t, v.Hex), MethodBomb
		switch {
		case v.Valid:
			continue
		case v.Kind == "reply":
			method = v.Method
			payload = must(Marshal(Response{Body: payload, More: method == MethodSettle || method == MethodWatch}))
		case v.Kind != "response":
			continue
		}
		checked++
		ended, err := answeredWith(t, payload, callOf(t, method))
		if !errors.Is(err, ErrBadResponse) || ended != v.Consequence {
			t.Errorf("%s/%s: %v, and the stream is %s; want %s", v.Kind, v.Name, err, ended, v.Consequence)
		}
	}
	if checked == 0 {
		t.Error("no vectors")
	}
}
