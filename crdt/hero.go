package crdt

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
