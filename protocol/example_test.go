package protocol_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/protocol"
)

// register answers calls: it creates heroes and knows none.
type register struct{}

// ServeCall answers one call.
func (register) ServeCall(_ context.Context, call *protocol.Call) (any, error) {
	switch call.Request.Method {
	case protocol.MethodCreate:
		var r protocol.CreateRequest
		if err := call.Decode(&r); err != nil {
			return nil, err
		}
		hero := crdt.Hero{ID: call.Request.ID, Name: r.Name, Location: crdt.Home, Health: crdt.HealthMax}
		return protocol.HeroReply{Hero: hero}, nil
	case protocol.MethodRetire:
		return nil, protocol.Errorf(protocol.NotFound, "this register keeps nobody")
	}
	return nil, protocol.Errorf(protocol.Unsupported, "no method %s", call.Request.Method)
}

// A server and a client speak over a stream in memory, as they do over a network.
func Example() {
	ctx := context.Background()
	here, there := protocol.Pipe()
	server := protocol.Server{City: "gotham", Handler: register{}}
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx, there, "alfred") }()

	client := protocol.NewClient(here).City("gotham")
	request := crdt.ID{1} // a create's request id is the new hero's id, too
	reply, err := client.Create(ctx, request, protocol.CreateRequest{Name: "Batman"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(reply.Hero.Name, "has the id of the request:", reply.Hero.ID == request)
	_, err = client.Retire(ctx, crdt.ID{2}, protocol.RetireRequest{Hero: reply.Hero.ID})
	fmt.Println("not found:", errors.Is(err, protocol.ErrNotFound))
	_, err = client.City("metropolis").Info(ctx)
	fmt.Println("another city:", errors.Is(err, protocol.ErrWrongCity))

	client.Close()
	<-served // the goroutine of the server has ended
	// Output:
	// Batman has the id of the request: true
	// not found: true
	// another city: true
}
