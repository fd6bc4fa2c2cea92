package demo

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/node/dispatch"
	"github.com/citynode/citynode/protocol"
)

const (
	// lookEvery is the pause between two looks at whether a step has come true: the story
	// tells milliseconds, and a look at all cities takes some.
	lookEvery = 20 * time.Millisecond
	// breath is a pause for the reader before the climax.
	breath = time.Second
)

var heroNames = []string{
	"Batman", "Superman", "Wonder Woman", "Flash", "Robin", "Supergirl", "Aquaman", "Zatanna",
	"Cyborg", "Batgirl", "Hawkgirl", "Green Lantern", "Starfire", "Raven", "Vixen", "Mera",
}

// A play tells the story of a demo on its stage.
type play struct {
	config Config
	stage  *stage
}

func (p *play) tell(event, city, format string, args ...any) {
	p.config.Told(Line{Event: event, City: city, Text: fmt.Sprintf(format, args...)})
}

// story plays the acts one after another. Each has its own time, so that the error says
// which one did not come to its end.
func (p *play) story(ctx context.Context) error {
	acts := []struct {
		title string
		play  func(context.Context) error
	}{
		{"the cities start", p.meet},
		{"the heroes come", p.gather},
		{"patrols and fights", p.action},
		{"a city is bombed and healed", p.disaster},
	}
	for _, act := range acts {
		actCtx, cancel := context.WithTimeout(ctx, p.config.Patience)
		err := act.play(actCtx)
		cancel()
		if err != nil {
			return &StoryError{Act: act.title, Err: err}
		}
	}
	return nil
}

// meet starts the cities and waits until each knows all.
func (p *play) meet(ctx context.Context) error {
	if err := p.stage.enter(ctx); err != nil {
		return err
	}
	for _, a := range p.stage.actors {
		p.tell("up", a.name, "%s is up, peer %s", a.name, a.node.Peer())
	}
	for i := range p.stage.actors {
		err := until(ctx, func() bool {
			known := 0
			err := p.stage.call(ctx, i, func(c *protocol.Client) error {
				lines, err := c.Cities(ctx)
				known = alive(lines)
				return err
			})
			return err == nil && known == p.config.Cities
		})
		if err != nil {
			return err
		}
	}
	p.tell("found", "", "all %d cities have found each other", p.config.Cities)
	return nil
}

// alive returns how many cities of a list are alive. The one that was asked is in its own
// list.
func alive(lines []protocol.CityLine) int {
	n := 0
	for _, line := range lines {
		if line.Status == protocol.StatusAlive {
			n++
		}
	}
	return n
}

// gather creates two heroes a city, at home, and assigns them.
func (p *play) gather(ctx context.Context) error {
	for n := range 2 * len(p.stage.actors) {
		to := n % len(p.stage.actors)
		name := heroNames[n%len(heroNames)]
		if n >= len(heroNames) {
			name += " " + strconv.Itoa(n/len(heroNames)+1)
		}
		if err := p.enlist(ctx, name, to); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	summary, err := p.equal(ctx)
	if err != nil {
		return err
	}
	p.tell("equal", "", "all cities hold the same: %s", summaryText(summary))
	return nil
}

// enlist creates a hero and orders it to a city, which need not have heard of
// it. The create is tried again, for a city refuses it until it is open; each time it has
// the same id, so there is one hero in the end.
func (p *play) enlist(ctx context.Context, name string, to int) error {
	hero, order := crdt.ID(uuid.New()), crdt.ID(uuid.New())
	return p.stage.call(ctx, to, func(c *protocol.Client) error {
		err := dispatch.Retry(ctx, func() error {
			_, err := c.Create(ctx, hero, protocol.CreateRequest{Name: name})
			return err
		})
		if err == nil {
			_, err = c.Assign(ctx, order, protocol.AssignRequest{Hero: hero})
		}
		return err
	})
}

// action waits until every city has had a fight, and so a patrol before it. The
// cities see to both themselves.
func (p *play) action(ctx context.Context) error {
	for _, a := range p.stage.actors {
		if err := until(ctx, func() bool { return a.fights.Load() > 0 }); err != nil {
			return err
		}
	}
	select {
	case <-time.After(breath):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// disaster bombs the first city and waits until it holds what all hold.
func (p *play) disaster(ctx context.Context) error {
	a := p.stage.actors[0]
	// Taken before the bomb, so that what is waited for is what the bomb brings about.
	starts, opened := a.starts.Load(), a.opened.Load()
	p.tell("bomb", a.name, "%s is bombed", a.name)
	err := p.stage.call(ctx, 0, func(c *protocol.Client) error { return c.Bomb(ctx) })
	if err != nil {
		return fmt.Errorf("bomb %s: %w", a.name, err)
	}
	bombed := time.Now()
	if err := until(ctx, func() bool { return a.starts.Load() > starts }); err != nil {
		return err
	}
	p.tell("empty", a.name, "%s has crashed and is restarted: it has nothing, 0 heroes, digest %s", a.name, crdt.Digest{})
	if err := until(ctx, func() bool { return a.opened.Load() > opened }); err != nil {
		return err
	}
	p.tell("healed", a.name, "%s is healed by its neighbours, %d ms after the bomb", a.name, time.Since(bombed).Milliseconds())
	summary, err := p.equal(ctx)
	if err != nil {
		return err
	}
	p.tell("equal", "", "all cities hold the same again: %s", summaryText(summary))
	return nil
}

// equal waits until all cities have one digest at one moment, while they go on. Ticks change
// each of them every second, and a delta takes milliseconds, so that is soon so.
func (p *play) equal(ctx context.Context) (crdt.Summary, error) {
	var common crdt.Summary
	err := until(ctx, func() bool {
		status, err := p.stage.status(ctx)
		if err != nil || !status.Equal {
			return false
		}
		common = status.Cities[0].Summary
		return true
	})
	return common, err
}

// until looks until it is so, or ctx ends.
func until(ctx context.Context, so func() bool) error {
	looks := time.NewTicker(lookEvery)
	defer looks.Stop()
	for !so() {
		select {
		case <-looks.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func summaryText(s crdt.Summary) string {
	return fmt.Sprintf("%d heroes, %d dead, digest %s", s.Heroes, s.Tombstones, s.Digest)
}
