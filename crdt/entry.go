package crdt

import "strings"

const (
	// HealthMin is the least health of a hero that lives.
	HealthMin = 1
	// HealthMax is the greatest health, and that of a new hero.
	HealthMax = 100
)

// Hero is a living superhero as of one write.
type Hero struct {
	ID ID
	// Name is 1–64 bytes of UTF-8; see [ValidateHeroName].
	Name string
	// Location is a city's name or [Home].
	Location string
	// Health is 1–100.
	Health uint8
	// Patrolling is never true at home.
	Patrolling bool
	Version    Version
}

// Validate returns an *[InvalidError] for the first rule that h breaks.
func (h Hero) Validate() error {
	if err := ValidateHeroName(h.Name); err != nil {
		return err
	}
	if err := ValidateLocation(h.Location); err != nil {
		return err
	}
	if h.Health < HealthMin || h.Health > HealthMax {
		return invalid("health", "%d is not in %d–%d", h.Health, HealthMin, HealthMax)
	}
	if h.Patrolling && h.Location == Home {
		return invalid("patrolling", "a hero at home does not patrol")
	}
	return h.Version.validate()
}

// Detach returns the hero with a name and a location that share memory with no
// other. The texts of a decoded batch, and the names of a page, are parts of one
// string: whoever keeps one of its heroes for longer than the batch keeps all of
// it, tens of kilobytes for one hero. Detach what outlives its batch. A [State]
// copies what it keeps by itself.
func (h Hero) Detach() Hero {
	h.Name, h.Location = strings.Clone(h.Name), strings.Clone(h.Location)
	return h
}

// Tombstone says that a hero is dead. It beats every hero with its ID, for
// ever, and is never removed.
type Tombstone struct {
	ID ID
	// Version is that of the death: assigned and replica are the dead hero's,
	// HLC is max(wall clock, assigned).
	Version Version
}

// Validate returns an *[InvalidError] if t breaks a rule.
func (t Tombstone) Validate() error { return t.Version.validate() }
