package main

import (
	"fmt"
	"time"

	"github.com/citynode/citynode/crdt"
)

// screen prints events as they come.
type screen struct {
	g     *globals
	paint paint
	begin time.Time // what times are told from; zero: the time of day
}

func newScreen(g *globals) *screen { return &screen{g: g, paint: newPaint(g.stdout)} }

func (s *screen) changes(changes []crdt.Change) error {
	now := time.Now()
	for _, change := range changes {
		if err := s.events(change.Events(), now); err != nil {
			return fmt.Errorf("print: %w", err)
		}
	}
	return nil
}

func (s *screen) events(events []crdt.Event, now time.Time) error {
	if s.g.json {
		for _, e := range events {
			if err := s.g.printJSON(toHeroEventJSON(e, now)); err != nil {
				return err
			}
		}
		return nil
	}
	for _, text := range told(events) {
		if err := s.line(now, text, eventColor(events[0].Kind)); err != nil {
			return err
		}
	}
	return nil
}

// line prints one thing that happened, with the time.
func (s *screen) line(at time.Time, text, color string) error {
	when := at.Format(time.TimeOnly)
	if !s.begin.IsZero() {
		when = fmt.Sprintf("%6.2fs", at.Sub(s.begin).Seconds())
	}
	return s.g.printf("%s  %s\n", s.paint.in(colorDim, when), s.paint.in(color, printable(text)))
}
