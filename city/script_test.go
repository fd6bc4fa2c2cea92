package city

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/citynode/citynode/crdt"
)

// scriptStart is the true time at which every script begins.
var scriptStart = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

// TestScripts plays testdata/*.txt: cores that are told things one by one. The
// first argument of a command is the city; a hero is named by a word, which is
// also its name. Rewrite what is expected with -rewrite, and read the diff.
//
//	city NAME [seed=N] [boost=N] [cap=N] [damage=MIN-MAX] [closed]
//	time D                         lets all clocks advance
//	skew CITY D                    sets how far the city's clock is ahead
//	create CITY HERO [here] [name=…] [caller=…]
//	assign CITY HERO [home] [with=CITY] [caller=…] [request=N]
//	retire CITY HERO [caller=…] [request=N]
//	patrol|fight|bomb|open CITY
//	suspect CITY [reason=…]
//	update CITY from=CITY [hero=HERO] [source=…]
//	restart CITY                   a new, empty incarnation
//	show CITY
//	same CITY…                     whether they hold the same
func TestScripts(t *testing.T) {
	datadriven.Walk(t, "testdata/scripts", func(t *testing.T, path string) {
		s := &script{names: make(map[crdt.ID]string), cities: make(map[string]*scriptCity)}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			return s.run(t, d)
		})
	})
}

type script struct {
	now    time.Duration
	ids    uint64
	names  map[crdt.ID]string
	cities map[string]*scriptCity
}

type scriptCity struct {
	cfg  Config
	core *Core
	rng  *rand.Rand
	skew time.Duration
}

func (s *script) run(t *testing.T, d *datadriven.TestData) string {
	arg := func(i int) string { return d.CmdArgs[i].Key }
	switch d.Cmd {
	case "city":
		return s.newCity(t, d)
	case "time":
		step, err := time.ParseDuration(arg(0))
		if err != nil {
			t.Fatal(err)
		}
		s.now += step
		return ""
	case "same":
		return s.same(d)
	}
	c, ok := s.cities[arg(0)]
	if !ok {
		t.Fatalf("no city %s", arg(0))
	}
	switch d.Cmd {
	case "skew":
		skew, err := time.ParseDuration(arg(1))
		if err != nil {
			t.Fatal(err)
		}
		c.skew = skew
		return ""
	case "restart":
		c.core = NewCore(c.cfg, c.core.Incarnation().Next())
		return ""
	case "show":
		return s.show(c)
	default:
		return s.step(c, s.message(t, d))
	}
}

func (s *script) newCity(t *testing.T, d *datadriven.TestData) string {
	name := d.CmdArgs[0].Key // in the script; two peers may run a city of one name
	cfg := Config{Name: name, Replica: crdt.ReplicaID(len(s.cities) + 1)}
	d.MaybeScanArgs(t, "name", &cfg.Name)
	seed := uint64(1)
	d.MaybeScanArgs(t, "seed", &seed)
	d.MaybeScanArgs(t, "boost", &cfg.Boost)
	d.MaybeScanArgs(t, "cap", &cfg.HealthMax)
	var damage string
	if d.MaybeScanArgs(t, "damage", &damage) {
		if _, err := fmt.Sscanf(damage, "%d-%d", &cfg.DamageMin, &cfg.DamageMax); err != nil {
			t.Fatal(err)
		}
	}
	c := &scriptCity{cfg: cfg, core: NewCore(cfg, 1), rng: rand.New(rand.NewPCG(seed, 0))}
	c.core.open = !d.HasArg("closed")
	s.cities[name] = c
	return ""
}

func (s *script) message(t *testing.T, d *datadriven.TestData) Message {
	var caller Caller
	var number uint64
	d.MaybeScanArgs(t, "caller", &caller.Name)
	d.MaybeScanArgs(t, "request", &number)
	caller.Request[0], caller.Request[15] = 0xff, byte(number)
	hero := func() crdt.ID { return s.id(d.CmdArgs[1].Key) }
	switch d.Cmd {
	case "create":
		caller.Request = hero()
		name := d.CmdArgs[1].Key
		d.MaybeScanArgs(t, "name", &name)
		return Create{Caller: caller, HeroName: name, Here: d.HasArg("here")}
	case "assign":
		m := Assign{Caller: caller, Hero: hero(), Home: d.HasArg("home")}
		var with string
		if d.MaybeScanArgs(t, "with", &with) {
			m.With = wholeOf(s.cities[with].core)
		}
		return m
	case "retire":
		return Retire{Caller: caller, Hero: hero()}
	case "update":
		return s.update(t, d)
	case "suspect":
		var m Suspect
		d.MaybeScanArgs(t, "reason", &m.Reason)
		return m
	}
	m, ok := map[string]Message{"patrol": Patrol{}, "fight": Fight{}, "bomb": Bomb{}, "open": Open{}}[d.Cmd]
	if !ok {
		t.Fatalf("unknown command %s", d.Cmd)
	}
	return m
}

func (s *script) update(t *testing.T, d *datadriven.TestData) Message {
	var from, hero string
	source := SourceGossip.String()
	d.ScanArgs(t, "from", &from)
	d.MaybeScanArgs(t, "source", &source)
	m := Update{Entries: wholeOf(s.cities[from].core)}
	if d.MaybeScanArgs(t, "hero", &hero) {
		m.Entries = s.cities[from].core.State().Record(s.id(hero)).Entries()
	}
	for m.Source.String() != source {
		m.Source++
	}
	return m
}

// id is the ID of the hero that a script calls so.
func (s *script) id(name string) crdt.ID {
	for id, known := range s.names {
		if known == name {
			return id
		}
	}
	s.ids++
	var id crdt.ID
	id[0], id[15] = 1, byte(s.ids)
	s.names[id] = name
	return id
}

func (s *script) step(c *scriptCity, m Message) string {
	c.core.Ran(s.now)
	reply, fx := c.core.Step(scriptStart.Add(s.now+c.skew), c.rng, m)
	var b strings.Builder
	switch {
	case reply.Err != nil:
		fmt.Fprintf(&b, "%s: %s\n", ReasonOf(reply.Err), s.readable(reply.Err.Error()))
	case !reply.Hero.ID.IsZero():
		fmt.Fprintf(&b, "ok: %s\n", s.record(crdt.Record{Kind: crdt.KindHero, Hero: reply.Hero}))
	case !reply.Tombstone.ID.IsZero():
		fmt.Fprintf(&b, "ok: %s\n", s.record(crdt.Record{Kind: crdt.KindTombstone, Tombstone: reply.Tombstone}))
	case reply.Changed+reply.Skipped > 0:
		fmt.Fprintf(&b, "ok: %d changed, %d skipped\n", reply.Changed, reply.Skipped)
	}
	for change := range fx.All() {
		fmt.Fprintf(&b, "%s: %s -> %s", change.Source, s.record(change.Old), s.record(change.New))
		for _, e := range change.Events() {
			fmt.Fprintf(&b, " [%s]", e.Kind)
		}
		b.WriteString("\n")
	}
	if fx.Note != "" {
		fmt.Fprintf(&b, "note: %s\n", fx.Note)
	}
	if fx.Crash {
		b.WriteString("crash\n")
	}
	if b.Len() == 0 {
		return "ok\n"
	}
	return b.String()
}

func (s *script) show(c *scriptCity) string {
	var lines []string
	e := wholeOf(c.core)
	for _, h := range e.Heroes {
		lines = append(lines, s.record(crdt.Record{Kind: crdt.KindHero, Hero: h}))
	}
	for _, t := range e.Tombstones {
		lines = append(lines, s.record(crdt.Record{Kind: crdt.KindTombstone, Tombstone: t}))
	}
	if len(lines) == 0 {
		return "nothing\n"
	}
	return strings.Join(lines, "\n") + "\n"
}

func (s *script) same(d *datadriven.TestData) string {
	first := s.cities[d.CmdArgs[0].Key].core.State().Summary()
	for _, arg := range d.CmdArgs[1:] {
		if s.cities[arg.Key].core.State().Summary() != first {
			return "no\n"
		}
	}
	return "yes\n"
}

func (s *script) record(r crdt.Record) string {
	switch r.Kind {
	case crdt.KindHero:
		h := r.Hero
		patrolling := ""
		if h.Patrolling {
			patrolling = " patrolling"
		}
		return fmt.Sprintf("%s at %s %d%s %s", s.names[h.ID], h.Location, h.Health, patrolling, versionText(h.Version))
	case crdt.KindTombstone:
		return fmt.Sprintf("%s dead %s", s.names[r.Tombstone.ID], versionText(r.Tombstone.Version))
	default:
		return "nothing"
	}
}

func versionText(v crdt.Version) string {
	return fmt.Sprintf("(%s,%d,%s)", stampText(v.Assigned), v.Replica, stampText(v.HLC))
}

func stampText(s crdt.Stamp) string {
	if s == 0 {
		return "never"
	}
	text := s.Time().Sub(scriptStart).String()
	if counter := uint16(s); counter > 0 {
		text += fmt.Sprintf("+%d", counter)
	}
	return text
}

// readable has names for IDs.
func (s *script) readable(text string) string {
	for id, name := range s.names {
		text = string(bytes.ReplaceAll([]byte(text), []byte(id.String()), []byte(name)))
	}
	return text
}

// wholeOf is all that a core holds.
func wholeOf(c *Core) crdt.Entries {
	e, _, _ := c.State().Page(0, 1<<30)
	return e
}
