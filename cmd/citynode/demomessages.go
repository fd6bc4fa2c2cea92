package main

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/citynode/citynode/internal/demo"
)

// The JSON lines of demo; lines about heroes are as in watch.
type (
	demoLineJSON struct {
		Event   string  `json:"event"` // "start", "up", "found", "equal", "bomb", "empty", "healed"
		Time    string  `json:"time"`
		Elapsed float64 `json:"elapsed"` // seconds
		City    string  `json:"city,omitempty"`
		Text    string  `json:"text"`
	}
	demoStatusJSON struct {
		Event   string         `json:"event"` // "status"
		Time    string         `json:"time"`
		Elapsed float64        `json:"elapsed"`
		Cities  []demoCityJSON `json:"cities"`
		Equal   bool           `json:"equal"` // at this moment
	}
	demoCityJSON struct {
		Name       string `json:"name"`
		Peer       string `json:"peer"`
		Heroes     uint64 `json:"heroes"`
		Tombstones uint64 `json:"tombstones"`
		Digest     string `json:"digest"`
		Restarts   uint64 `json:"restarts"`
	}
	demoSummaryJSON struct {
		Event   string         `json:"event"` // "summary"
		Time    string         `json:"time"`
		Elapsed float64        `json:"elapsed"`
		Cities  []demoCityJSON `json:"cities"`
		Patrols uint64         `json:"patrols"`
		Fights  uint64         `json:"fights"`
		Deaths  uint64         `json:"deaths"`
		Deltas  uint64         `json:"deltas"` // entries that came by gossip
		Syncs   uint64         `json:"syncs"`  // complete ones
		Equal   bool           `json:"equal"`
	}
)

// demoMessages makes the messages of a demo.
type demoMessages struct{ begin time.Time }

// now returns the time, as text and in seconds since the demo began.
func (d demoMessages) now() (at time.Time, text string, elapsed float64) {
	at = time.Now()
	return at, clockText(at), at.Sub(d.begin).Seconds()
}

func (d demoMessages) line(l demo.Line) message {
	at, text, elapsed := d.now()
	m := message{
		at:      at,
		objects: []any{demoLineJSON{l.Event, text, elapsed, l.City, l.Text}},
		texts:   []string{l.Text},
		color:   colorBold,
	}
	switch l.Event {
	case "bomb", "empty":
		m.color = colorRed
	case "healed", "equal", "found":
		m.color = colorGreen
	}
	return m
}

func (d demoMessages) status(s demo.Status) message {
	at, text, elapsed := d.now()
	cities := toDemoCitiesJSON(s.Cities)
	return message{
		at:      at,
		objects: []any{demoStatusJSON{"status", text, elapsed, cities, s.Equal}},
		texts:   demoTable(cities),
		color:   colorDim,
	}
}

func (d demoMessages) summary(s demo.Summary) message {
	at, text, elapsed := d.now()
	cities := toDemoCitiesJSON(s.Cities)
	texts := append([]string{"the end"}, demoTable(cities)...)
	texts = append(texts, fmt.Sprintf("%d patrols, %d fights, %d deaths; %d entries came by gossip, %d syncs; all equal: %s",
		s.Patrols, s.Fights, s.Deaths, s.Deltas, s.Syncs, yesNo(s.Equal)))
	object := demoSummaryJSON{
		Event: "summary", Time: text, Elapsed: elapsed, Cities: cities, Patrols: s.Patrols, Fights: s.Fights,
		Deaths: s.Deaths, Deltas: s.Deltas, Syncs: s.Syncs, Equal: s.Equal,
	}
	return message{at: at, objects: []any{object}, texts: texts, color: colorBold}
}

func toDemoCitiesJSON(all []demo.City) []demoCityJSON {
	cities := make([]demoCityJSON, 0, len(all))
	for _, c := range all {
		cities = append(cities, demoCityJSON{
			Name:       c.Name,
			Peer:       c.Peer.String(),
			Heroes:     c.Summary.Heroes,
			Tombstones: c.Summary.Tombstones,
			Digest:     c.Summary.Digest.String(),
			Restarts:   c.Restarts,
		})
	}
	return cities
}

// demoTable returns how the cities are, line by line.
func demoTable(cities []demoCityJSON) []string {
	t := &table{head: []string{"CITY", "HEROES", "DEAD", "RESTARTS", "DIGEST"}}
	for _, c := range cities {
		t.add(c.Name, strconv.FormatUint(c.Heroes, 10), strconv.FormatUint(c.Tombstones, 10),
			strconv.FormatUint(c.Restarts, 10), c.Digest)
	}
	var b bytes.Buffer
	_ = t.write(&b) // a buffer takes all
	return strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
}
