package protocol

import (
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

func BenchmarkCallInMemory(b *testing.B) {
	end, server := newPipe(64 << 10)
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = (&Server{City: "paris", Handler: echoes}).Serve(b.Context(), server, "")
	}()
	c := NewClient(end)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Info(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	_ = c.Close()
	<-served
}
