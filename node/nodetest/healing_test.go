package nodetest_test

import (
	"testing"
	"testing/synctest"
)

func TestABombedCityIsHealed(t *testing.T) { synctest.Test(t, healing) }

func TestABombedCityIsHealedInRealTime(t *testing.T) { healing(t) }
