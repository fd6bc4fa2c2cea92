package crdt

// EventKind names what happened to a hero.
type EventKind string

// The kinds of events. One change may give several, in this order.
const (
	EventAssigned   EventKind = "assigned"   // a new order sent it to City
	EventLeft       EventKind = "left"       // it is no longer at City, that is From
	EventCame       EventKind = "came"       // it is now at City, that is To
	EventPatrolling EventKind = "patrolling" // it began to patrol City
	EventFought     EventKind = "fought"     // it lost Damage health at City
	EventDied       EventKind = "died"       // it is dead; it was last at City
)

// Event is a change told as a story. It is derived from the old and the new
// record only, so that what a replica learns in one step (an assignment and
// three fights) is told in one step.
type Event struct {
	Kind EventKind
	ID   ID
	Name string
	// City is where it happened; it may be "home".
	City string
	// Health is what the hero has now, 0 when it died.
	Health uint8
	// Damage is the health lost, for "fought" and "died".
	Damage uint8
	// From and To are set for "left" and "came"; From is empty for a hero
	// that was not known before.
	From, To string
}

// Events tells the change, in the order of the constants:
//
//   - hero to hero: "assigned" if the order is a new one (and not a creation);
//     "left" and "came" if the location changed; under the same order
//     "patrolling" if it began to, and "fought" if it lost health.
//   - nothing to hero: "assigned" if it has ever been, and "came".
//   - hero to tombstone: "died", with all the health it last had as damage.
//   - a tombstone for an unknown or a dead hero: nothing, for there is nothing
//     to tell but an ID.
func (c Change) Events() []Event {
	switch {
	case c.New.Kind == KindHero && c.Old.Kind == KindHero:
		return rewritten(c.Old.Hero, c.New.Hero)
	case c.New.Kind == KindHero:
		return appeared(c.New.Hero)
	case c.New.Kind == KindTombstone && c.Old.Kind == KindHero:
		died := eventOf(EventDied, c.Old.Hero)
		died.Health, died.Damage = 0, c.Old.Hero.Health
		return []Event{died}
	default:
		return nil
	}
}

func rewritten(old, now Hero) (events []Event) {
	sameOrder := now.Version.SameOrder(old.Version)
	if !sameOrder && now.Version.Assigned > 0 {
		events = append(events, eventOf(EventAssigned, now))
	}
	if now.Location != old.Location {
		events = append(events, moved(old, now)...)
	}
	if sameOrder && now.Patrolling && !old.Patrolling {
		events = append(events, eventOf(EventPatrolling, now))
	}
	if sameOrder && now.Health < old.Health {
		fought := eventOf(EventFought, now)
		fought.Damage = old.Health - now.Health
		events = append(events, fought)
	}
	return events
}

func appeared(now Hero) (events []Event) {
	if now.Version.Assigned > 0 {
		events = append(events, eventOf(EventAssigned, now))
	}
	came := eventOf(EventCame, now)
	came.To = now.Location
	return append(events, came)
}

func moved(old, now Hero) []Event {
	left, came := eventOf(EventLeft, now), eventOf(EventCame, now)
	left.City = old.Location
	left.From, left.To = old.Location, now.Location
	came.From, came.To = old.Location, now.Location
	return []Event{left, came}
}

func eventOf(kind EventKind, h Hero) Event {
	return Event{Kind: kind, ID: h.ID, Name: h.Name, City: h.Location, Health: h.Health}
}
