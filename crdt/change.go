package crdt

// Change is one write to a state: what was known of an ID and what is now.
type Change struct {
	ID       ID
	Old, New Record
}

// Entries returns the new record as entries to send.
func (c Change) Entries() Entries { return c.New.Entries() }

// Touches reports whether the change concerns a location: the hero was there
// or is there now. A death concerns the place where the hero was; that of a
// hero that was not known concerns none.
func (c Change) Touches(location string) bool {
	return c.Old.at(location) || c.New.at(location)
}

func (r Record) at(location string) bool {
	return r.Kind == KindHero && r.Hero.Location == location
}
