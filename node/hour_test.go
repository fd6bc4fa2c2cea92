package node

import (
	"os"
	"runtime/pprof"
	"testing"
	"testing/synctest"
	"time"
)

const (
	hourCities = 12
	hourTicks  = time.Minute
)

func TestAfterAnHourOfPatrolsAndFightsAllHoldTheSame(t *testing.T) {
	f, _ := os.Create("/tmp/hour.prof")
	pprof.StartCPUProfile(f)
	defer pprof.StopCPUProfile()
	synctest.Test(t, func(t *testing.T) {
		net := newSimNet(t)
		var cities []*member
		for _, name := range cityNames(hourCities) {
			cfg := quiet(name)
			cfg.City.PatrolEvery, cfg.City.FightEvery = hourTicks, hourTicks
			cfg.PresenceEvery = 2 * time.Minute
			cities = append(cities, net.start(t, cfg, cities[:min(len(cities), 1)]...))
		}
		awaitReady(t, cities...)
		awaitAlive(t, cities...)
		for _, c := range cities {
			for range 3 {
				c.create(t, "hero")
			}
		}
		b := time.Now()
		for range 6 {
			time.Sleep(10 * time.Minute)
			t.Log(time.Since(b), cities[0].summary())
		}
		time.Sleep(hourTicks - 10*time.Second)
		for _, c := range cities {
			if c.summary() != cities[0].summary() {
				t.Errorf("%v", c.summary())
			}
		}
	})
}
