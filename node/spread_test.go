package node

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestAHeroReachesEveryCityOfAChain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMockNet(t)
		cities := net.quietChain(t, cityNames(8)...)
		b := time.Now()
		awaitAlive(t, cities...)
		t.Log(time.Since(b))
		b = time.Now()
		cities[0].create(t, "Batman")
		awaitEqual(t, cities...)
		t.Log(time.Since(b))
	})
}
