package city

import (
	"fmt"
	"time"

	"github.com/citynode/citynode/crdt"
)

// Defaults of a city's rules.
const (
	DefaultPatrolEvery = 5 * time.Second
	DefaultFightEvery  = 5 * time.Second
	DefaultDamageMin   = 5
	DefaultDamageMax   = 15
	DefaultBoost       = 20
	DefaultHealthMax   = 100

	// Off, as an interval, switches a tick off.
	Off time.Duration = -1

	// healthBorn is the health of a new hero, and the greatest there is.
	healthBorn = 100
)

// Config is what a city is told about itself. A zero field means its default.
type Config struct {
	// Name is the city's name, a DNS label other than "home". Required.
	Name string
	// Replica identifies the city's peer in the versions that it writes.
	Replica crdt.ReplicaID
	// Admins are the names of callers whose answers are remembered in a share of their
	// own, AnswerBytesAdmin each.
	Admins []string
	// PatrolEvery is the time between two patrol ticks; negative switches them
	// off. Default 5 s.
	PatrolEvery time.Duration
	// FightEvery is the time between two fight ticks; negative switches them
	// off. Default 5 s.
	FightEvery time.Duration
	// DamageMin and DamageMax bound the health that a fight costs, uniformly,
	// both included; 1 to 100. Defaults 5 and 15.
	DamageMin, DamageMax int
	// Boost is the health that an assignment gives, 1 to 100. Default 20.
	Boost int
	// HealthMax is the health beyond which no assignment heals, 1 to 100.
	// Default 100.
	HealthMax int
	// EntriesMax is how many entries the city holds, heroes and tombstones together, at
	// least 2. Of unknown IDs it takes no more then. Callers that are not Admins, and
	// cities that are not known for some time, may fill half of it. What the own store
	// holds is taken whole. Default DefaultEntriesMax.
	EntriesMax int
	// NewIDs is how many entries of IDs that it has not heard of the city takes in a second
	// from all strangers together, 1 to 2^20; from each of them half of that. From a city
	// that is known for some time it takes 16 times as many, from all of those 32 times.
	// At once it takes what strangers may bring in eight seconds, and what known cities may
	// in 64. Admins may bring any number. Default DefaultNewIDs.
	NewIDs int
}

// WithDefaults returns the configuration with every zero field set to its default.
func (c Config) WithDefaults() Config {
	orDuration := func(v *time.Duration, d time.Duration) {
		if *v == 0 {
			*v = d
		}
	}
	orInt := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	orDuration(&c.PatrolEvery, DefaultPatrolEvery)
	orDuration(&c.FightEvery, DefaultFightEvery)
	orInt(&c.DamageMin, DefaultDamageMin)
	orInt(&c.DamageMax, max(DefaultDamageMax, c.DamageMin))
	orInt(&c.Boost, DefaultBoost)
	orInt(&c.HealthMax, DefaultHealthMax)
	orInt(&c.EntriesMax, DefaultEntriesMax)
	orInt(&c.NewIDs, DefaultNewIDs)
	return c
}

// Validate names the first field that is out of its bounds.
func (c Config) Validate() error {
	c = c.WithDefaults()
	if err := crdt.ValidateCityName(c.Name); err != nil {
		return fmt.Errorf("city name: %w", err)
	}
	bounded := []struct {
		field string
		value int
	}{
		{"DamageMin", c.DamageMin},
		{"DamageMax", c.DamageMax},
		{"Boost", c.Boost},
		{"HealthMax", c.HealthMax},
	}
	for _, b := range bounded {
		if b.value < 1 || b.value > healthBorn {
			return fmt.Errorf("%s is %d, must be 1 to %d", b.field, b.value, healthBorn)
		}
	}
	if c.DamageMin > c.DamageMax {
		return fmt.Errorf("DamageMin is %d, must not be above DamageMax, %d", c.DamageMin, c.DamageMax)
	}
	if c.EntriesMax < entriesMaxMin || c.EntriesMax > entriesMaxMax {
		return fmt.Errorf("EntriesMax is %d, must be %d to %d", c.EntriesMax, entriesMaxMin, entriesMaxMax)
	}
	if c.NewIDs < 1 || c.NewIDs > newIDsMax {
		return fmt.Errorf("NewIDs is %d, must be 1 to %d", c.NewIDs, newIDsMax)
	}
	return nil
}
