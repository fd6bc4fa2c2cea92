package crdt

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
