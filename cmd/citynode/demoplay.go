package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/citynode/citynode/crdt"
	"github.com/citynode/citynode/node/dispatch"
	"github.com/citynode/citynode/protocol"
)

const (
	// lookEvery is the pause between two looks at whether a step has come true.
	lookEvery = 20 * time.Millisecond
	// breath is a pause for the reader before the climax.
	breath = time.Second
)

var demoHeroes = []string{
	"Batman", "Superman", "Wonder Woman", "Flash", "Robin", "Supergirl", "Aquaman", "Zatanna",
	"Cyborg", "Batgirl", "Hawkgirl", "Green Lantern", "Starfire", "Raven", "Vixen", "Mera",
}

// play tells the story of a demo.
type play struct {
	out      *teller
	begin    time.Time
	patience time.Duration // how long a step may take
	stage    *stage
}

// demoJSON is a line of the story; lines about heroes are as in watch.
type demoJSON struct {
	Event   string  `json:"event"` // "start", "up", "found", "equal", "bomb", "empty", "healed"
	Time    string  `json:"time"`
	Elapsed float64 `json:"elapsed"` // seconds
	City    string  `json:"city,omitempty"`
	Text    string  `json:"text"`
}

func (p *play) line(event, city, text string) tale {
	now := time.Now()
	return tale{
		at:    now,
		forms: []any{demoJSON{event, clockText(now), now.Sub(p.begin).Seconds(), city, text}},
		texts: []string{text},
		color: colorBold,
	}
}

func (p *play) tell(event, city, format string, args ...any) {
	x := p.line(event, city, fmt.Sprintf(format, args...))
	switch event {
	case "bomb", "empty":
		x.color = colorRed
	case "healed", "equal", "found":
		x.color = colorGreen
	}
	p.out.tell(x)
}

// story plays the acts one after another. Each has its own time.
func (p *play) story(ctx context.Context, cities int) error {
	acts := []struct {
		title string
		play  func(context.Context) error
	}{
		{"the cities start", func(ctx context.Context) error { return p.meet(ctx, cities) }},
		{"the heroes come", p.gather},
		{"patrols and fights", p.action},
		{"a city is bombed and healed", p.disaster},
	}
	for _, act := range acts {
		actCtx, cancel := context.WithTimeout(ctx, p.patience)
		err := act.play(actCtx)
		cancel()
		if errors.Is(err, context.DeadlineExceeded) {
			return failf(exitNotConverged, "not within --timeout: %s", act.title)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", act.title, err)
		}
	}
	return nil
}

// meet starts the cities and waits until each knows all.
func (p *play) meet(ctx context.Context, cities int) error {
	if err := p.stage.enter(ctx, cities); err != nil {
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
				known = view{lines: lines}.count(protocol.StatusAlive)
				return err
			})
			return err == nil && known == cities
		})
		if err != nil {
			return err
		}
	}
	p.tell("found", "", "all %d cities have found each other", cities)
	return nil
}

// gather creates two heroes a city, at home, and assigns them.
func (p *play) gather(ctx context.Context) error {
	for n := range 2 * len(p.stage.actors) {
		to := n % len(p.stage.actors)
		name := demoHeroes[n%len(demoHeroes)]
		if n >= len(demoHeroes) {
			name += " " + strconv.Itoa(n/len(demoHeroes)+1)
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
// it.
func (p *play) enlist(ctx context.Context, name string, to int) error {
	hero, err := newID()
	if err != nil {
		return err
	}
	order, err := newID()
	if err != nil {
		return err
	}
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
	return sleep(ctx, breath)
}

// disaster bombs the first city and waits until it holds what all hold.
func (p *play) disaster(ctx context.Context) error {
	a := p.stage.actors[0]
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

// equal waits until all cities have one digest at one moment, while they go on.
func (p *play) equal(ctx context.Context) (crdt.Summary, error) {
	var common crdt.Summary
	err := until(ctx, func() bool {
		infos, err := p.stage.infos(ctx)
		if err != nil || !allEqual(infos) {
			return false
		}
		common = infos[0].Summary
		return true
	})
	return common, err
}

func allEqual(infos []protocol.InfoReply) bool {
	for _, info := range infos {
		if info.Summary != infos[0].Summary {
			return false
		}
	}
	return true
}

// until looks until it is so, or ctx ends.
func until(ctx context.Context, so func() bool) error {
	for !so() {
		if err := sleep(ctx, lookEvery); err != nil {
			return err
		}
	}
	return nil
}

func summaryText(s crdt.Summary) string {
	return fmt.Sprintf("%d heroes, %d dead, digest %s", s.Heroes, s.Tombstones, s.Digest)
}

// goOn lets the cities play until the end, or ctx ends, with a table now and
// then.
func (p *play) goOn(ctx context.Context, end time.Time) {
	ctx, cancel := context.WithDeadline(ctx, end)
	defer cancel()
	for sleep(ctx, demoStatusEvery) == nil {
		if infos, err := p.stage.infos(ctx); err == nil {
			p.out.tell(p.statusTale(infos))
		}
	}
}

type demoStatusJSON struct {
	Event   string         `json:"event"` // "status"
	Time    string         `json:"time"`
	Elapsed float64        `json:"elapsed"`
	Cities  []demoCityJSON `json:"cities"`
	Equal   bool           `json:"equal"` // at this moment
}

type demoCityJSON struct {
	Name       string `json:"name"`
	Peer       string `json:"peer"`
	Heroes     uint64 `json:"heroes"`
	Tombstones uint64 `json:"tombstones"`
	Digest     string `json:"digest"`
	Restarts   uint64 `json:"restarts"`
}

func (p *play) cities(infos []protocol.InfoReply) []demoCityJSON {
	cities := make([]demoCityJSON, 0, len(infos))
	for i, info := range infos {
		cities = append(cities, demoCityJSON{
			Name:       info.City,
			Peer:       p.stage.actors[i].node.Peer().String(),
			Heroes:     info.Summary.Heroes,
			Tombstones: info.Summary.Tombstones,
			Digest:     info.Summary.Digest.String(),
			Restarts:   info.Restarts,
		})
	}
	return cities
}

func (p *play) statusTale(infos []protocol.InfoReply) tale {
	now := time.Now()
	cities := p.cities(infos)
	return tale{
		at:    now,
		forms: []any{demoStatusJSON{"status", clockText(now), now.Sub(p.begin).Seconds(), cities, allEqual(infos)}},
		texts: demoTable(cities),
		color: colorDim,
	}
}

// demoTable is how the cities are, line by line.
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

type demoSummaryJSON struct {
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

// finale waits once more until all hold the same, and sums up.
func (p *play) finale() error {
	ctx, cancel := context.WithTimeout(context.Background(), p.patience)
	defer cancel()
	_, err := p.equal(ctx)
	p.stage.over.Store(true)
	infos, infoErr := p.stage.infos(context.WithoutCancel(ctx))
	if infoErr != nil {
		return infoErr
	}
	p.out.tell(p.summaryTale(infos, err == nil))
	if err != nil {
		return failf(exitNotConverged, "the cities do not hold the same in the end")
	}
	return nil
}

func (p *play) summaryTale(infos []protocol.InfoReply, equal bool) tale {
	s, now := p.stage, time.Now()
	form := demoSummaryJSON{
		Event: "summary", Time: clockText(now), Elapsed: now.Sub(p.begin).Seconds(), Cities: p.cities(infos),
		Patrols: s.patrols.Load(), Fights: s.fights.Load(), Deaths: s.deaths.Load(),
		Deltas: s.deltas.Load(), Syncs: s.syncs.Load(), Equal: equal,
	}
	texts := append([]string{"the end"}, demoTable(form.Cities)...)
	texts = append(texts, fmt.Sprintf("%d patrols, %d fights, %d deaths; %d entries came by gossip, %d syncs; all equal: %s",
		form.Patrols, form.Fights, form.Deaths, form.Deltas, form.Syncs, yesNo(equal)))
	return tale{at: now, forms: []any{form}, texts: texts, color: colorBold}
}
