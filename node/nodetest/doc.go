// Package nodetest runs clusters of cities in a test, in a few lines.
//
//	c := nodetest.New(t)
//	gotham := c.Start(nodetest.Quiet("gotham"))
//	metropolis := c.Start(nodetest.Quiet("metropolis"))
//	c.AwaitReady()
//	c.Cut(gotham)
//	// … orders on both sides …
//	c.Heal()
//	c.AwaitEqual(gotham, metropolis)
//
// [Cluster.Start] returns the [node.Node] itself, which runs already, so a test uses
// the cities as the program does. [New] links the cities by mocknet, which works in a
// testing/synctest bubble and outside of one. [NewQUIC] gives each city a real QUIC
// stack on a simulated network, and needs a bubble. In a bubble time is virtual: an
// hour of a cluster passes in seconds.
//
// # What it promises
//
// No packet leaves the process. When the test ends, each node is closed, each stream
// and connection has ended, and no goroutine is left; go.uber.org/goleak finds none.
// Every wait has a deadline, [WaitMax]; a wait that reaches it ends the test. A node
// that ends by itself with an error fails the test, unless the test takes that error
// with [Cluster.Wait].
//
// # What mocknet does not exercise
//
// The hosts of [New] have no transport below their streams. A stream has no deadline,
// so a peer that stops reading is never given up. Nothing is encrypted, and a peer is
// believed to be who it says. No message is lost, delayed beyond a millisecond, or
// bounded by a bandwidth. A connection breaks at once at both ends. Resource limits
// and connection limits are off. The hosts of [NewQUIC] have all of these but loss.
//
// # Ticks
//
// A city's ticks change its heroes every few seconds, so a cluster with ticks may
// never be seen equal. [Quiet] returns the configuration of a city without ticks.
//
// Under the race detector a bubble can deadlock while GOMAXPROCS is above 1
// (golang/go#78156); set it to 1 in TestMain there.
package nodetest
