// Package dispatch is a program's way to the cities of a network: it reaches
// one running node, looks cities up by name, calls them, and follows what
// happens to heroes.
//
// A [Dispatcher] has a libp2p host of its own that only dials: it listens
// nowhere and announces nothing, so a program behind any firewall can have one.
// [Dial] connects it to the first node of its configuration that answers. That
// node looks up every other city; the calls themselves go to the city they are
// for.
//
// # Calls
//
// [Dispatcher.Call] gives a function a [protocol.Client] on a stream to a city,
// and runs the function again while the city is busy or unavailable, or the
// stream breaks. So the function must be one that can be repeated: it makes the
// ids of its requests before the call, and a city that executed the first
// attempt gives the second one the same answer. [Dispatcher.Bomb] is the one
// order that is never repeated.
//
// The error of a call that a city has answered matches the sentinels of package
// protocol, as in errors.Is(err, protocol.ErrNotFound). The error of a node that
// could not be asked matches [ErrUnreachable].
//
// # Following
//
// [Dispatcher.Follow] tells the changes at one place, or everywhere: each once,
// and none is lost, whatever happens to the streams and to the cities that tell
// them.
//
// A Dispatcher never decides what a city is or what an order does, keeps nothing
// on disk, and reads no environment.
package dispatch
