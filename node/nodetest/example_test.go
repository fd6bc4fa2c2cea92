package nodetest_test

import (
	"testing"
	"testing/synctest"

	"github.com/citynode/citynode/city"
	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/node/nodetest"
)

// healing tests two cities: one is bombed, and its neighbour heals it. Everything has
// ended when the test ends.
func healing(t *testing.T) {
	c := nodetest.New(t)
	gotham := c.Start(nodetest.Quiet("gotham"))
	metropolis := c.Start(nodetest.Quiet("metropolis"))
	c.AwaitReady()

	request := city.Caller{Request: crdt.ID{1}} // becomes the id of the new hero
	if _, err := gotham.City().Do(t.Context(), city.Create{Caller: request, HeroName: "Batman"}); err != nil {
		t.Fatal(err)
	}
	c.AwaitEqual()
	if _, err := gotham.City().Do(t.Context(), city.Bomb{}); err != nil {
		t.Fatal(err)
	}
	c.AwaitEqual(gotham, metropolis)
}

// A test in virtual time: go test calls the function, and waiting costs nothing.
func Example() {
	testHealing := func(t *testing.T) { synctest.Test(t, healing) }
	_ = testHealing // is the body of a TestXxx
}
