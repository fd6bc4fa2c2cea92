package protocol

import (
	"context"
	"testing"

	"github.com/citynode/citynode/crdt"
)

func BenchmarkCheckOfAnUpdate(b *testing.B) {
	item := encode(b, UpdateRequest{Entries: crdt.Entries{Heroes: manyHeroes(1000)}})
	b.SetBytes(int64(len(item)))
	for b.Loop() {
		if err := Check(item); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeAnUpdate(b *testing.B) {
	item := encode(b, UpdateRequest{Entries: crdt.Entries{Heroes: manyHeroes(1000)}})
	b.SetBytes(int64(len(item)))
	b.ReportAllocs()
	for b.Loop() {
		if err := UnmarshalStrict(item, new(UpdateRequest)); err != nil {
			b.Fatal(err)
		}
	}
}

// The calls that dispatchers make all the time, over a stream in memory: what
// both sides spend on messages, frames, deadlines and goroutines.
func BenchmarkCallInMemory(b *testing.B) {
	for _, call := range []struct {
		name string
		make func(context.Context, *Client) error
	}{
		{"info", func(ctx context.Context, c *Client) error {
			_, err := c.Info(ctx)
			return err
		}},
		{"assign", func(ctx context.Context, c *Client) error {
			_, err := c.Assign(ctx, hero.ID, AssignRequest{Hero: hero.ID})
			return err
		}},
		{"get", func(ctx context.Context, c *Client) error {
			_, err := c.Get(ctx, GetRequest{IDs: []crdt.ID{hero.ID}}, func(crdt.Entries) error { return nil })
			return err
		}},
	} {
		b.Run(call.name, func(b *testing.B) {
			end, server := newPipe(64 << 10)
			served := make(chan struct{})
			go func() {
				defer close(served)
				_ = (&Server{City: "paris", Handler: answersAtOnce}).Serve(b.Context(), server, "")
			}()
			c := NewClient(end)
			ctx, cancel := context.WithCancel(b.Context()) // as callers have one
			defer cancel()
			b.ReportAllocs()
			for b.Loop() {
				if err := call.make(ctx, c); err != nil {
					b.Fatal(err)
				}
			}
			_ = c.Close()
			<-served
		})
	}
}

// answersAtOnce answers as a city does, but of no state.
var answersAtOnce = handlerFunc(func(_ context.Context, call *Call) (any, error) {
	switch call.Request.Method {
	case MethodAssign:
		var r AssignRequest
		err := call.Decode(&r)
		return HeroReply{Hero: hero}, err
	case MethodGet:
		var r GetRequest
		if err := call.Decode(&r); err != nil {
			return nil, err
		}
		err := call.Send(GetReply{Entries: &crdt.Entries{Heroes: []crdt.Hero{hero}}})
		return GetReply{Summary: new(crdt.Summary)}, err
	default:
		return InfoReply{Network: DefaultNetwork, City: "paris", Since: 1, Incarnation: 1, Now: 1}, nil
	}
})
