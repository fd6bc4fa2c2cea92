package main

import (
	"fmt"
	"time"

	"github.com/citynode/citynode/crdt"
)

// A heroEventJSON is one thing that happened to a hero.
type heroEventJSON struct {
	Event  crdt.EventKind `json:"event"` // "assigned", "left", "came", "patrolling", "fought", "died"
	Time   string         `json:"time"`  // when this process heard of it
	ID     crdt.ID        `json:"id"`
	Name   string         `json:"name"`
	City   string         `json:"city"` // where it happened; may be "home"
	Health uint8          `json:"health"`
	Damage uint8          `json:"damage,omitempty"` // "fought", "died"
	From   string         `json:"from,omitempty"`   // "left", "came"; absent for a new hero
	To     string         `json:"to,omitempty"`     // "left", "came"
	Source string         `json:"source,omitempty"` // of run: "self", "caller", "gossip", "sync"
}

func toHeroEventJSON(e crdt.Event, at time.Time) heroEventJSON {
	return heroEventJSON{
		Event:  e.Kind,
		Time:   clockText(at),
		ID:     e.ID,
		Name:   e.Name,
		City:   e.City,
		Health: e.Health,
		Damage: e.Damage,
		From:   e.From,
		To:     e.To,
	}
}

// clockText returns a time of this machine's clock as JSON has it.
func clockText(t time.Time) string { return t.UTC().Format(timeLayout) }

// told returns the sentences about one change, for a person. Of an assignment that
// moves a hero, only the assignment is told.
func told(events []crdt.Event) []string {
	var sentences []string
	assigned := false
	for _, e := range events {
		assigned = assigned || e.Kind == crdt.EventAssigned
		if e.Kind == crdt.EventLeft || (e.Kind == crdt.EventCame && assigned) {
			continue
		}
		sentences = append(sentences, sentence(e))
	}
	return sentences
}

func sentence(e crdt.Event) string {
	switch e.Kind {
	case crdt.EventAssigned:
		if e.City == crdt.Home {
			return fmt.Sprintf("%s is sent home, health %d", e.Name, e.Health)
		}
		return fmt.Sprintf("%s is assigned to %s, health %d", e.Name, e.City, e.Health)
	case crdt.EventCame:
		if e.From == "" {
			return fmt.Sprintf("%s appears %s, health %d", e.Name, where(e.To), e.Health)
		}
		return fmt.Sprintf("%s moves from %s to %s", e.Name, e.From, e.To)
	case crdt.EventPatrolling:
		return fmt.Sprintf("%s patrols %s", e.Name, e.City)
	case crdt.EventFought:
		return fmt.Sprintf("%s fought in %s and lost %d, health %d", e.Name, e.City, e.Damage, e.Health)
	case crdt.EventDied:
		return fmt.Sprintf("%s died in %s", e.Name, e.City)
	}
	return fmt.Sprintf("%s: %s", e.Name, e.Kind)
}

// where returns a location as a sentence has it.
func where(location string) string {
	if location == crdt.Home {
		return "at home"
	}
	return "in " + location
}

// eventColor returns the color of a hero's event.
func eventColor(kind crdt.EventKind) string {
	switch kind {
	case crdt.EventDied:
		return colorRed
	case crdt.EventAssigned, crdt.EventCame:
		return colorCyan
	}
	return ""
}
